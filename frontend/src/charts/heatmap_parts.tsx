// What lies over the heatmap's picture: the cell in hand, its value, the lit steps, the brush, and the modules' buttons.

import { toggleModule } from "../layer_place.ts";
import { cursorStep, highlightedSpan } from "../state.ts";
import { labelLeft, type Plot } from "./heatmap_canvas.ts";
import type { Cell } from "./heatmap_keys.ts";
import type { TreeLine } from "./layer_tree.ts";
import type { Reading } from "./reading.ts";
import { placeOf, type StepAxis } from "./step_axis.ts";

interface Placed {
  at: Cell;
  across: Float64Array;
  down: Float64Array;
  left: number;
  plot: Plot;
}

export function CellFrame({ at, across, down, left, plot }: Placed) {
  const from = Math.max(0, across[at.column] ?? 0);
  const to = Math.min(plot.width, across[at.column + 1] ?? 0);
  const top = Math.max(0, down[at.line] ?? 0);
  const style = {
    left: `${left + from}px`,
    top: `${top}px`,
    width: `${Math.max(2, to - from)}px`,
    height: `${Math.max(2, Math.min(plot.height, down[at.line + 1] ?? 0) - top)}px`,
  };
  return <i class="heat-cell" style={style} />;
}

export function Tooltip(props: Placed & Reading & { width: number }) {
  const { at, across, down, left, width, name, steps, text, merged } = props;
  const x = left + Math.max(0, across[at.column] ?? 0);
  const y = down[at.line + 1] ?? 0;
  const side = x > width / 2 ? { right: `${width - x + 6}px` } : { left: `${x + 12}px` };
  return (
    <div class="tooltip" style={{ ...side, top: `${y + 6}px` }} aria-hidden="true">
      <b>{text}</b>
      <span>{name}</span>
      <span class="muted">{steps}</span>
      {merged && <span class="muted">{merged}</span>}
    </div>
  );
}

/** The step under the pointer or the cursor of whichever chart. */
export function StepCursor({ axis, plot }: { axis: StepAxis; plot: Plot }) {
  const step = cursorStep.value;
  if (step === null || step < axis.from || step > axis.to) return null;
  const left = plot.left + placeOf(step, axis) * plot.width;
  return <i class="heat-cursor" style={{ left: `${left}px`, height: `${plot.height}px` }} />;
}

/** The steps of the finding under the pointer. */
export function LitSteps({ axis, plot }: { axis: StepAxis; plot: Plot }) {
  const span = highlightedSpan.value;
  if (!span) return null;
  const place = (step: number) => Math.max(0, Math.min(1, placeOf(step, axis))) * plot.width;
  const from = place(span[0]);
  const style = {
    left: `${plot.left + from}px`,
    width: `${Math.max(2, place(span[1]) - from)}px`,
    height: `${plot.height}px`,
  };
  return <i class="lit" style={style} />;
}

export function Brush({ x, y, toX, toY, left }: { x: number; y: number; toX: number; toY: number; left: number }) {
  const style = {
    left: `${left + Math.min(x, toX)}px`,
    top: `${Math.min(y, toY)}px`,
    width: `${Math.abs(toX - x)}px`,
    height: `${Math.abs(toY - y)}px`,
  };
  return <i class="brush" style={style} />;
}

/** Which part of the lines is shown, as a scroll bar says it. */
export function WindowBar({ shown, lines, plot }: { shown: readonly [number, number]; lines: number; plot: Plot }) {
  const style = {
    left: `${plot.left + plot.width + 6}px`,
    top: `${(shown[0] / lines) * plot.height}px`,
    height: `${Math.max(6, ((shown[1] - shown[0]) / lines) * plot.height)}px`,
  };
  return <i class="window-bar" style={style} />;
}

/** One button per module whose name is written, in front of it. */
export function ModuleToggles(props: { lines: readonly TreeLine[]; named: readonly number[]; down: Float64Array }) {
  const { lines, named, down } = props;
  return (
    <>
      {named.map(i => {
        const line = lines[i];
        if (!line?.isGroup) return null;
        const middle = ((down[i] ?? 0) + (down[i + 1] ?? 0)) / 2;
        return (
          <button
            key={line.name}
            type="button"
            class="module-toggle"
            aria-expanded={line.isOpen}
            aria-label={`${line.name}, ${line.places.length} rows`}
            title={line.name}
            style={{ left: `${labelLeft(line) - 16}px`, top: `${middle - 8}px` }}
            onClick={() => toggleModule(line.name)}
          />
        );
      })}
    </>
  );
}
