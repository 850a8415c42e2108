// In which order stand the rows of the layer table?

import type { LayerRow } from "../wire.ts";

const TEXTS = ["name", "layerKind", "activation", "initializer"] as const;

export interface Order {
  /** The id of a column. */
  by: string;
  isDescending: boolean;
}

/** Sorted by a column; "not recorded" and NaN go last either way. */
export function sortedRows(rows: readonly LayerRow[], { by, isDescending }: Order): LayerRow[] {
  const sign = isDescending ? -1 : 1;
  return rows.toSorted((a, b) => {
    const left = keyOf(a, by);
    const right = keyOf(b, by);
    if (typeof left === "string" && typeof right === "string") return -sign * left.localeCompare(right);
    const [isLeft, isRight] = [isKnown(left), isKnown(right)];
    if (!isLeft || !isRight) return Number(isRight) - Number(isLeft);
    return sign * (Number(left) - Number(right));
  });
}

function keyOf(row: LayerRow, by: string): string | number | null {
  const text = TEXTS.find(name => name === by);
  if (text) return row[text];
  if (by === "parameters") return row.parameters;
  if (by === "trainable") return Number(row.trainable);
  return row.latest[by] ?? null;
}

function isKnown(value: string | number | null): boolean {
  return value !== null && !Number.isNaN(value);
}
