// One explanation, argued: what to do, what speaks for it and against it, what would settle it, and where to look.

import { plural, stepSpan, words } from "../format.ts";
import { toggleMute } from "../mute.ts";
import { highlightedSpan, stepUnit } from "../state.ts";
import type { Cause } from "../wire.ts";
import { Code } from "./copy_button.tsx";
import { EvidenceTable } from "./evidence.tsx";
import { ToneIcon, toneName } from "./icons.tsx";
import { LookAt } from "./look_at.tsx";

/** The id of a finding's card on the page. */
export function cardId(cause: Cause): string {
  return `finding-${cause.id}`;
}

/** How much speaks for a cause and against it, in words. */
export function weighed({ evidenceFor, evidenceAgainst }: Cause): string {
  return `${plural(evidenceFor.length, "fact")} for, ${evidenceAgainst.length || "none"} against`;
}

export function Finding({ cause, isOpen, toggle }: { cause: Cause; isOpen: boolean; toggle: () => void }) {
  const severity = cause.severity === "none" ? "note" : cause.severity;
  const light = () => {
    highlightedSpan.value = cause.steps;
  };
  const unlight = () => {
    highlightedSpan.value = null;
  };
  return (
    <article
      class={`card finding edge-${severity}`}
      id={cardId(cause)}
      onMouseEnter={light}
      onMouseLeave={unlight}
      onFocusIn={light}
      onFocusOut={unlight}
    >
      <h3>
        <button type="button" class="finding-head" aria-expanded={isOpen} onClick={toggle}>
          <ToneIcon tone={severity} />
          <span class="finding-title">{cause.title}</span>
          <span class={`badge confidence-${cause.confidence}`}>{words(cause.confidence)}</span>
          <span class="muted">
            {toneName(severity)} · {weighed(cause)}
            {cause.steps && ` · ${stepSpan(cause.steps, stepUnit.value)}`}
          </span>
        </button>
      </h3>
      {isOpen ? <Body cause={cause} /> : <p class="finding-gist">{cause.fix.text}</p>}
    </article>
  );
}

function Body({ cause }: { cause: Cause }) {
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
          Named first and {words(cause.confidence).toLowerCase()}, this was right in {cause.right[0]} of{" "}
          {cause.right[1]} calibration runs.
        </p>
      )}
      <footer class="finding-foot">
        <LookAt steps={cause.steps} layers={cause.layers} />
        <button type="button" class="quiet" onClick={() => toggleMute(cause.id)}>
          Mute<span class="offscreen"> {cause.title}</span>
        </button>
      </footer>
    </div>
  );
}
