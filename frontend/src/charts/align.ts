// How do lines with different steps share one chart? On the union of their steps, with what cannot be drawn set aside.

/** One line of a chart. colour: a custom property of theme.css. steps strictly increasing. */
export interface Line {
  id: string;
  label: string;
  unit: string;
  colour: string;
  dash: number[];
  steps: readonly number[];
  values: readonly number[];
  /** Bounds of what each value stands for; null where nothing was merged. */
  low: readonly number[] | null;
  high: readonly number[] | null;
  /** Points after which the line is broken. */
  gaps: readonly number[];
  shown: number;
  written: number;
}

/** A measured value without a place on the axis: NaN, an infinity, or on a log axis a value that is not positive. */
export interface Mark {
  step: number;
  line: number;
  /** Number of the point in its line: two marks in a row have nothing between them. */
  point: number;
  text: string;
  edge: "top" | "bottom";
}

/** Columns of a chart. bands: for each merged line, which columns hold its upper and lower bound. */
export interface Aligned {
  /** Union of the steps, one column per line, two per band: null breaks the line, undefined does not. */
  columns: [number[], ...(number | null | undefined)[][]];
  bands: { line: number; high: number; low: number }[];
  marks: Mark[];
}

export function align(lines: readonly Line[], isLog: boolean): Aligned {
  const steps = [...new Set(lines.flatMap(line => line.steps))].sort((a, b) => a - b);
  const place = new Map(steps.map((step, i) => [step, i]));
  const marks: Mark[] = [];
  const column = ({ steps: own }: Line, valueAt: (point: number) => number | null) => {
    const filled = new Array<number | null | undefined>(steps.length).fill(undefined);
    own.forEach((step, i) => {
      filled[place.get(step) ?? 0] = valueAt(i);
    });
    return filled;
  };
  const columns = lines.map((line, index) =>
    column(line, i => {
      const value = line.values[i] ?? Number.NaN;
      const mark = markOf(value, isLog);
      if (mark) marks.push({ step: line.steps[i] ?? 0, line: index, point: i, ...mark });
      return mark ? null : value;
    }),
  );
  const bands: Aligned["bands"] = [];
  lines.forEach((line, index) => {
    const { low, high } = line;
    if (!low || !high) return;
    const drawable = (value: number | undefined) => (value === undefined || markOf(value, isLog) ? null : value);
    bands.push({ line: index, high: columns.length + 1, low: columns.length + 2 });
    columns.push(
      column(line, i => drawable(high[i])),
      // A band that reaches below a log axis ends at its own line.
      column(line, i => drawable(low[i]) ?? drawable(line.values[i])),
    );
  });
  return { columns: [steps, ...columns], bands, marks };
}

function markOf(value: number, isLog: boolean): Pick<Mark, "text" | "edge"> | null {
  if (Number.isNaN(value)) return { text: "NaN", edge: "top" };
  if (!Number.isFinite(value)) return value > 0 ? { text: "Inf", edge: "top" } : { text: "−Inf", edge: "bottom" };
  if (isLog && value <= 0) return { text: value === 0 ? "0" : "< 0", edge: "bottom" };
  return null;
}

/** Index of the step nearest to this one; -1 when there is none. steps: increasing. */
export function nearest(steps: ArrayLike<number>, step: number): number {
  let low = 0;
  let high = steps.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps[middle] ?? 0) < step) low = middle + 1;
    else high = middle;
  }
  const before = steps[low - 1];
  return before !== undefined && step - before <= (steps[low] ?? 0) - step ? low - 1 : low < steps.length ? low : -1;
}

/** Whether a log axis can show the lines: something finite, and none of it at or below zero. */
export function isPositive(lines: readonly Line[]): boolean {
  const finite = lines.flatMap(line => line.values.filter(Number.isFinite));
  return finite.length > 0 && finite.every(value => value > 0);
}
