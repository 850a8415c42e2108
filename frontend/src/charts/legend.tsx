// Which line is which, what is its value here, and how many of its points are drawn?

import { integer, number, withUnit } from "../format.ts";
import { cursorStep, stepUnit } from "../state.ts";
import { type Line, nearest } from "./align.ts";
import { Name } from "./breakable.tsx";
import { ChartMenu, type MenuProps } from "./chart_menu.tsx";
import type { Reference } from "./overlays.ts";

/** Characters of a label: about four lines of the narrow column. */
const LABEL = 48;

interface Props {
  title: string;
  lines: readonly Line[];
  reference: Reference | null;
  isLog: boolean;
  setLog: (isLog: boolean) => void;
  menu: Omit<MenuProps, "title">;
}

export function Legend({ title, lines, reference, isLog, setLog, menu }: Props) {
  const step = cursorStep.value;
  return (
    <div class="legend">
      <div class="legend-head">
        <h3>{title}</h3>
        <button
          type="button"
          class="quiet"
          aria-pressed={isLog}
          onClick={() => setLog(!isLog)}
          title="Logarithmic axis"
        >
          log
        </button>
        <ChartMenu title={title} {...menu} />
      </div>
      <ul>
        {lines.map(line => (
          <LegendLine key={line.id} line={line} step={step} />
        ))}
        {reference && (
          <li>
            <Swatch colour="--reference" dash={[2, 4]} />
            <span>{reference.label}</span>
            <b>{number(reference.value)}</b>
          </li>
        )}
      </ul>
      {/* Its room is kept while there is no cursor, else the charts below would jump from under the pointer. */}
      <p class="muted">{step === null ? "\u00a0" : `at ${stepUnit.value} ${integer(step)}`}</p>
    </div>
  );
}

function LegendLine({ line, step }: { line: Line; step: number | null }) {
  const at = step === null ? line.steps.length - 1 : nearest(line.steps, step);
  return (
    <li>
      <Swatch colour={line.colour} dash={line.dash} />
      <span>
        <Name name={line.label} most={LABEL} />
      </span>
      <b>{withUnit(line.values[at], line.unit)}</b>
      {line.low && (
        <small>
          {number(line.low[at])} to {number(line.high?.[at])}
        </small>
      )}
      {line.shown < line.written && (
        <small>
          {integer(line.shown)} of {integer(line.written)} points
        </small>
      )}
    </li>
  );
}

export function Swatch({ colour, dash }: { colour: string; dash: readonly number[] }) {
  return (
    <svg class="swatch" viewBox="0 0 18 8" aria-hidden="true">
      <line x1="0" y1="4" x2="18" y2="4" style={{ stroke: `var(${colour})` }} stroke-dasharray={dash.join(" ")} />
    </svg>
  );
}
