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
const OPEN: readonly CheckState[] = ["not_run", "inconclusive"];

export function Checks({ checks }: { checks: readonly Check[] }) {
  const decided = ORDER.filter(state => !OPEN.includes(state)).flatMap(state => inState(checks, state));
  const counts = ORDER.map(state => `${inState(checks, state).length} ${WORDS[state].toLowerCase()}`);
  return (
    <>
      <NotChecked checks={checks} />
      <section class="card" aria-labelledby="checks">
        <header class="section-head">
          <h2 id="checks">Checks</h2>
          <span class="muted">
            {plural(checks.length, "check")}: {counts.join(", ")}
          </span>
        </header>
        <CheckTable checks={decided} outcome="What was measured" />
      </section>
    </>
  );
}

/** What nobody knows yet about this run, and how to find out: absence of a finding is not a clean bill. */
function NotChecked({ checks }: { checks: readonly Check[] }) {
  const open = OPEN.flatMap(state => inState(checks, state));
  if (!open.length) return null;
  return (
    <section class="card" aria-labelledby="not-checked">
      <header class="section-head">
        <h2 id="not-checked">Not checked</h2>
        <span class="muted">what each check would need</span>
      </header>
      <CheckTable checks={open} outcome="What it needs" />
    </section>
  );
}

function inState(checks: readonly Check[], wanted: CheckState): Check[] {
  return checks.filter(({ state }) => state === wanted);
}

function CheckTable({ checks, outcome }: { checks: readonly Check[]; outcome: string }) {
  return (
    <table class="checks">
      <thead class="offscreen">
        <tr>
          <th scope="col">State</th>
          <th scope="col">Check</th>
          <th scope="col">{outcome}</th>
        </tr>
      </thead>
      <tbody>
        {checks.map(check => (
          <tr key={check.id} class={`row-${check.state}`}>
            <td class="check-state">
              <CheckIcon state={check.state} />
              {WORDS[check.state]}
            </td>
            <th scope="row">{check.title}</th>
            <td>
              {check.needs && <span class="check-needs">{check.needs} </span>}
              {check.evidence.map((fact, i) => (
                <span key={i}>{fact.text} </span>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
