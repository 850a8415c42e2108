// In which order stand the rows of the layer table?

import type { LayerRow } from "../wire.ts";

/** Sorted by a column; "not recorded" and NaN go last either way. */
export function sortedRows(rows: readonly LayerRow[], by: string, isDescending: boolean): LayerRow[] {
  const sign = isDescending ? -1 : 1;
  return rows.toSorted((a, b) => {
    const left = keyOf(a, by);
    const right = keyOf(b, by);
    if (typeof left === "string" && typeof right === "string") return -sign * left.localeCompare(right);
    const [isLeft, isRight] = [isNumber(left), isNumber(right)];
    if (!isLeft || !isRight) return Number(isRight) - Number(isLeft);
    return sign * (Number(left) - Number(right));
  });
}

function keyOf(row: LayerRow, by: string): string | number | null {
  if (by === "name") return row.name;
  if (by === "layerKind") return row.layerKind;
  if (by === "parameters") return row.parameters;
  return row.latest[by] ?? null;
}

function isNumber(value: string | number | null): boolean {
  return typeof value === "number" && !Number.isNaN(value);
}
