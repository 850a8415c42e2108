// Which numbers does the heatmap show? Its lines by its steps: few columns to read, all of them to take along.

import type { LayerRow, Matrix } from "../wire.ts";
import { mostTelling } from "./fold.ts";
import type { TreeLine } from "./layer_tree.ts";

/** Some columns of a matrix as one. first, last: half-open range of columns. */
export interface Stretch {
  steps: readonly [number, number];
  first: number;
  last: number;
}

/** The columns that lie in the window, merged into at most `count` stretches of as many columns each. */
export function stretches(
  { columns, first, last }: Matrix,
  window: readonly [number, number],
  count: number,
): Stretch[] {
  const inside = Array.from({ length: columns }, (_, c) => c).filter(
    c => (last[c] ?? 0) >= window[0] && (first[c] ?? 0) <= window[1],
  );
  const size = Math.max(1, Math.ceil(inside.length / count));
  return Array.from({ length: Math.ceil(inside.length / size) }, (_, i) => {
    const [from = 0, to = from] = [inside[i * size], inside[Math.min(inside.length, (i + 1) * size) - 1]];
    return { steps: [first[from] ?? 0, last[to] ?? 0], first: from, last: to + 1 };
  });
}

/** The most telling value of a line in a stretch; null where nothing was recorded. */
export function cellValue(
  { values, columns }: Matrix,
  { places }: TreeLine,
  { first, last }: Stretch,
  isRecorded: readonly boolean[],
): number | null {
  const all = places
    .filter(place => isRecorded[place])
    .flatMap(place => [...values.subarray(place * columns + first, place * columns + last)]);
  return all[mostTelling(all)] ?? null;
}

/** Every row with every column, as text for a file. */
export function matrixCsv(matrix: Matrix, rows: readonly LayerRow[], unit: string): string[][] {
  const { columns, first, last, values } = matrix;
  const heads = Array.from({ length: columns }, (_, c) => {
    const [from, to] = [first[c] ?? 0, last[c] ?? 0];
    return `${unit} ${from}${to > from ? ` to ${to}` : ""}`;
  });
  return [
    ["row", ...heads],
    ...rows.map((row, place) => [
      row.name,
      ...Array.from(values.subarray(place * columns, (place + 1) * columns), value => String(value)),
    ]),
  ];
}
