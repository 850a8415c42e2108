// Where is what a finding means? Buttons that lead to its steps and to its layers.

import { integer, stepSpan } from "../format.ts";
import { stepExtent, stepUnit, stepWindow } from "../state.ts";
import type { Steps } from "../wire.ts";
import { showLayers } from "./layers.tsx";

const LAYERS_SHOWN = 12;

/** Share of a span that is shown on each side of it, so that its ends can be seen to be ends. */
const MARGIN = 0.1;

export function LookAt({ steps, layers }: { steps: Steps | null; layers: readonly string[] }) {
  if (!steps && !layers.length) return null;
  return (
    <p class="look-at">
      <span class="muted">Look at</span>
      {steps && <StepsButton steps={steps} />}
      {layers.slice(0, LAYERS_SHOWN).map(layer => (
        <button type="button" class="chip" key={layer} onClick={() => showLayers(layer)}>
          {layer}
        </button>
      ))}
      {layers.length > LAYERS_SHOWN && <span class="muted">and {integer(layers.length - LAYERS_SHOWN)} more</span>}
    </p>
  );
}

function StepsButton({ steps }: { steps: Steps }) {
  return (
    <button type="button" class="chip" onClick={() => showCurves(steps)}>
      {stepSpan(steps, stepUnit.value)}
    </button>
  );
}

/** Zooms all charts to these steps and brings the curves into view. */
function showCurves([first, last]: Steps): void {
  const [from, to] = stepExtent.value;
  const margin = Math.max(1, Math.ceil((last - first) * MARGIN));
  const next: Steps = [Math.max(from, first - margin), Math.min(to, last + margin)];
  stepWindow.value = next[0] <= from && next[1] >= to ? null : next;
  document.getElementById("curves")?.scrollIntoView();
}
