// Why is the loss stuck, and what fixes it? One card per cause, best first; muted and ruled-out ones folded away.

import { plural } from "../format.ts";
import { muted, toggleMute } from "../mute.ts";
import { openFindings } from "../state.ts";
import type { Cause, Report } from "../wire.ts";
import { cardId, Finding } from "./finding.tsx";

export function Findings({ report }: { report: Report }) {
  const standing = report.causes.filter(cause => cause.confidence !== "ruled_out");
  const ruledOut = report.causes.filter(cause => cause.confidence === "ruled_out");
  const shown = standing.filter(cause => !muted.value.includes(cause.id));
  const silenced = standing.filter(cause => muted.value.includes(cause.id));
  const open = openFindings.value ?? shown.slice(0, 1).map(cause => cause.id);
  return (
    <section aria-labelledby="findings">
      <h2 id="findings">Findings</h2>
      {!standing.length && <p class="hint">{nothingFound(report)}</p>}
      {!shown.length && silenced.length > 0 && <p class="hint">Every finding of this run is muted.</p>}
      {shown.map(cause => (
        <Finding
          key={cause.id}
          cause={cause}
          isOpen={open.includes(cause.id)}
          toggle={() => {
            openFindings.value = toggled(open, cause.id);
          }}
        />
      ))}
      {silenced.length > 0 && <Muted causes={silenced} />}
      {ruledOut.length > 0 && <RuledOut causes={ruledOut} />}
    </section>
  );
}

/** Opens a finding's card, muted or not, and brings it into view. */
export function showFinding(cause: Cause): void {
  if (muted.value.includes(cause.id)) toggleMute(cause.id);
  const open = openFindings.value ?? [];
  openFindings.value = open.includes(cause.id) ? open : [...open, cause.id];
  requestAnimationFrame(() => {
    const card = document.getElementById(cardId(cause));
    card?.scrollIntoView();
    card?.querySelector("button")?.focus({ preventScroll: true });
  });
}

function toggled(ids: readonly string[], id: string): readonly string[] {
  return ids.includes(id) ? ids.filter(other => other !== id) : [...ids, id];
}

function nothingFound(report: Report): string {
  const decided = report.checks.filter(({ state }) => state === "found" || state === "not_found").length;
  return `No cause of trouble found. ${plural(decided, "check")} of ${report.checks.length} could be decided; all are listed below.`;
}

function Muted({ causes }: { causes: readonly Cause[] }) {
  return (
    <details class="card folded">
      <summary>{plural(causes.length, "finding")} muted</summary>
      <ul class="muted-findings">
        {causes.map(cause => (
          <li key={cause.id}>
            <span>{cause.title}</span>
            <button type="button" class="quiet" onClick={() => toggleMute(cause.id)}>
              Show again<span class="offscreen"> {cause.title}</span>
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

function RuledOut({ causes }: { causes: readonly Cause[] }) {
  return (
    <details class="card folded">
      <summary>{plural(causes.length, "cause")} ruled out</summary>
      <dl class="ruled-out">
        {causes.map(cause => (
          <div key={cause.id}>
            <dt>{cause.title}</dt>
            <dd>
              {(cause.evidenceAgainst.length ? cause.evidenceAgainst : cause.evidenceFor)
                .map(fact => fact.text)
                .join(" ")}
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
