// What was looked for, and what came of it? Every check in one of four states, none left out.

import { plural } from "../format.ts";
import type { Check, CheckState } from "../wire.ts";
import { CheckIcon } from "./icons.tsx";

const WORDS: Readonly<Record<CheckState, string>> = {
  found: "Found",
  inconclusive: "Inconclusive",
  not_run: "Not run",
  not_found: "Not found",
};

const ORDER = Object.keys(WORDS) as CheckState[];

export function Checks({ checks }: { checks: readonly Check[] }) {
  const ordered = ORDER.flatMap(state => checks.filter(check => check.state === state));
  const counts = ORDER.map(
    state => `${checks.filter(check => check.state === state).length} ${WORDS[state].toLowerCase()}`,
  );
  return (
    <section class="card" aria-labelledby="checks">
      <header class="section-head">
        <h2 id="checks">Checks</h2>
        <span class="muted">
          {plural(checks.length, "check")}: {counts.join(", ")}
        </span>
      </header>
      <table class="checks">
        <thead class="offscreen">
          <tr>
            <th scope="col">State</th>
            <th scope="col">Check</th>
            <th scope="col">What was measured, or what it needs</th>
          </tr>
        </thead>
        <tbody>
          {ordered.map(check => (
            <tr key={check.id} class={`row-${check.state}`}>
              <td class="check-state">
                <CheckIcon state={check.state} />
                {WORDS[check.state]}
              </td>
              <th scope="row">{check.title}</th>
              <td>
                <CheckOutcome check={check} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function CheckOutcome({ check }: { check: Check }) {
  return (
    <>
      {check.evidence.map((fact, i) => (
        <span key={i}>{fact.text} </span>
      ))}
      {check.needs && <span class="muted">Needs: {check.needs}</span>}
    </>
  );
}
