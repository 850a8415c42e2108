// What stands in a cell of a closed module, or of merged steps? The most telling of the cells in it.

import type { TreeLine } from "./layer_tree.ts";

/** Colour indexes of the lines, lines x columns: of several rows the largest, as of several cells in a pixel. */
export function foldedIndexes(indexes: Uint8Array, lines: readonly TreeLine[], columns: number): Uint8Array {
  const folded = new Uint8Array(lines.length * columns);
  lines.forEach(({ places }, line) => {
    const target = folded.subarray(line * columns, (line + 1) * columns);
    places.forEach((place, i) => {
      const row = indexes.subarray(place * columns, (place + 1) * columns);
      if (i === 0) target.set(row);
      else for (let c = 0; c < columns; c++) if ((row[c] ?? 0) > (target[c] ?? 0)) target[c] = row[c] ?? 0;
    });
  });
  return folded;
}

/** Place of the most telling value: a NaN, else an infinity, else the largest; -1 of none. */
export function mostTelling(values: readonly number[]): number {
  const rank = (value: number) => (Number.isNaN(value) ? 2 : Number.isFinite(value) ? 0 : 1);
  let best = -1;
  values.forEach((value, i) => {
    const kept = values[best];
    const isMore = kept === undefined || rank(value) > rank(kept) || (rank(value) === rank(kept) && value > kept);
    if (isMore) best = i;
  });
  return best;
}
