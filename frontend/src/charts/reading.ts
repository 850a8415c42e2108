// What does a cell of the heatmap say, in words?

import { measured, stepSpan } from "../format.ts";
import type { LayerRow, Matrix, Statistic } from "../wire.ts";
import { isRatio, ONE_SIDED_TEXT } from "./colour_scale.ts";
import { mostTelling } from "./fold.ts";
import type { Cell } from "./heatmap_keys.ts";
import type { TreeLine } from "./layer_tree.ts";

export interface Reading {
  name: string;
  steps: string;
  text: string;
  /** What the number stands for where cells are merged; "" where it is one value. */
  merged: string;
}

export function reading(
  { line, column }: Cell,
  matrix: Matrix,
  lines: readonly TreeLine[],
  rows: readonly LayerRow[],
  isRecorded: readonly boolean[],
  statistic: Statistic,
  unit: string,
): Reading {
  const { name = "", places = [] } = lines[line] ?? {};
  const span = [matrix.first[column] ?? 0, matrix.last[column] ?? 0] as const;
  const recorded = places.filter(place => isRecorded[place]);
  const values = recorded.map(place => matrix.values[place * matrix.columns + column] ?? Number.NaN);
  const most = mostTelling(values);
  const parts = [
    places.length > 1 && most >= 0 && `largest of ${places.length} rows: ${rows[recorded[most] ?? 0]?.name ?? ""}`,
    span[1] > span[0] && "largest of these steps",
  ];
  return {
    name,
    steps: stepSpan(span, unit),
    text: most < 0 ? "not recorded" : valueText(values[most] ?? Number.NaN, statistic),
    merged: parts.filter(Boolean).join(", "),
  };
}

function valueText(value: number, statistic: Statistic): string {
  if (isRatio(statistic) && Math.abs(value) === Number.POSITIVE_INFINITY)
    return `${value > 0 ? "larger" : "smaller"}: ${ONE_SIDED_TEXT}`;
  return measured(value, statistic.scale, statistic.unit);
}
