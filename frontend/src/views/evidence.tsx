// What was measured, against which threshold, where, and who says that this is the threshold?

import { number, stepSpan } from "../format.ts";
import { stepUnit } from "../state.ts";
import type { Evidence } from "../wire.ts";

export function EvidenceTable({ title, evidence }: { title: string; evidence: readonly Evidence[] }) {
  if (!evidence.length) return null;
  const isCompared = evidence.some(({ value, threshold }) => value !== null || threshold !== null);
  return (
    <table class="evidence">
      <thead>
        <tr>
          <th scope="col">{title}</th>
          {isCompared && <th scope="col">Measured</th>}
          {isCompared && <th scope="col">Threshold</th>}
        </tr>
      </thead>
      <tbody>
        {evidence.map((fact, i) => (
          <tr key={i}>
            <td>
              {fact.text}
              <Origin fact={fact} />
            </td>
            {isCompared && (
              <td class="value">
                {fact.value !== null && number(fact.value)}
                {fact.value !== null && fact.unit && <small>{fact.unit}</small>}
              </td>
            )}
            {isCompared && <td class="value muted">{fact.threshold !== null && number(fact.threshold)}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Where it was seen, and where its threshold comes from. */
function Origin({ fact }: { fact: Evidence }) {
  const parts = [
    fact.steps && stepSpan(fact.steps, stepUnit.value),
    fact.layers.length > 0 && fact.layers.slice(0, 3).join(", ") + (fact.layers.length > 3 ? " …" : ""),
    fact.source && `threshold: ${fact.source}`,
  ].filter(Boolean);
  return parts.length ? <small>{parts.join(" · ")}</small> : null;
}
