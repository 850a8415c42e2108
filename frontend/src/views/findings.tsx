// Why is the loss stuck, and what fixes it? One card per cause, argued; ruled-out causes folded away.

import { useSignal } from "@preact/signals";
import { number, plural, stepSpan, words } from "../format.ts";
import { stepUnit } from "../state.ts";
import type { Cause, Evidence, Report } from "../wire.ts";
import { Code } from "./copy_button.tsx";
import { ToneIcon, toneName } from "./icons.tsx";
import { showLayers } from "./layers.tsx";

export function Findings({ report }: { report: Report }) {
  const open = report.causes.filter(cause => cause.confidence !== "ruled_out");
  const ruledOut = report.causes.filter(cause => cause.confidence === "ruled_out");
  return (
    <section aria-labelledby="findings">
      <h2 id="findings">Findings</h2>
      {!open.length && <p class="hint">{nothingFound(report)}</p>}
      {open.map((cause, rank) => (
        <Finding key={cause.id} cause={cause} opened={rank === 0} />
      ))}
      {ruledOut.length > 0 && (
        <details class="card folded">
          <summary>{plural(ruledOut.length, "cause")} ruled out</summary>
          <dl class="ruled-out">
            {ruledOut.map(cause => (
              <div key={cause.id}>
                <dt>{cause.title}</dt>
                <dd>
                  {(cause.evidenceAgainst.length ? cause.evidenceAgainst : cause.evidenceFor)
                    .map(e => e.text)
                    .join(" ")}
                </dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </section>
  );
}

function nothingFound(report: Report): string {
  const run = report.checks.filter(({ state }) => state === "found" || state === "not_found").length;
  return `No cause of trouble found. ${plural(run, "check")} of ${report.checks.length} could be decided; all are listed below.`;
}

function Finding({ cause, opened }: { cause: Cause; opened: boolean }) {
  const isOpen = useSignal(opened);
  const severity = cause.severity === "none" ? "note" : cause.severity;
  return (
    <article class={`card finding edge-${severity}`}>
      <h3>
        <button
          type="button"
          class="finding-head"
          aria-expanded={isOpen.value}
          onClick={() => {
            isOpen.value = !isOpen.value;
          }}
        >
          <ToneIcon tone={severity} />
          <span class="finding-title">{cause.title}</span>
          <span class={`badge confidence-${cause.confidence}`}>{words(cause.confidence)}</span>
          <span class="muted">
            {toneName(severity)}
            {cause.steps && ` · ${stepSpan(cause.steps, stepUnit.value)}`}
          </span>
        </button>
      </h3>
      {isOpen.value ? <FindingBody cause={cause} /> : <p class="finding-gist">{cause.fix.text}</p>}
    </article>
  );
}

function FindingBody({ cause }: { cause: Cause }) {
  return (
    <div class="finding-body">
      {(cause.fix.text || cause.fix.code) && (
        <div class="fix">
          <h4>Fix</h4>
          {cause.fix.text && <p>{cause.fix.text}</p>}
          {cause.fix.code && <Code code={cause.fix.code} label="Copy code" />}
        </div>
      )}
      <EvidenceTable title="Speaks for it" evidence={cause.evidenceFor} />
      <EvidenceTable title="Speaks against it" evidence={cause.evidenceAgainst} />
      {cause.test && (
        <div class="settle">
          <h4>What would settle it</h4>
          <p>{cause.test}</p>
        </div>
      )}
      {cause.right && (
        <p class="muted">
          Named first and {words(cause.confidence)}, this was right in {cause.right[0]} of {cause.right[1]} calibration
          runs.
        </p>
      )}
      {cause.layers.length > 0 && <LayerLinks layers={cause.layers} />}
    </div>
  );
}

function EvidenceTable({ title, evidence }: { title: string; evidence: readonly Evidence[] }) {
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
              <EvidencePlace fact={fact} />
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
function EvidencePlace({ fact }: { fact: Evidence }) {
  const parts = [
    fact.steps && stepSpan(fact.steps, stepUnit.value),
    fact.layers.length > 0 && fact.layers.slice(0, 3).join(", ") + (fact.layers.length > 3 ? " …" : ""),
    fact.source && `threshold: ${fact.source}`,
  ].filter(Boolean);
  return parts.length ? <small>{parts.join(" · ")}</small> : null;
}

const LINKS_SHOWN = 12;

function LayerLinks({ layers }: { layers: readonly string[] }) {
  return (
    <p class="layer-links">
      <span class="muted">Look at</span>
      {layers.slice(0, LINKS_SHOWN).map(layer => (
        <button type="button" class="chip" key={layer} onClick={() => showLayers(layer)}>
          {layer}
        </button>
      ))}
      {layers.length > LINKS_SHOWN && <span class="muted">and {layers.length - LINKS_SHOWN} more</span>}
    </p>
  );
}
