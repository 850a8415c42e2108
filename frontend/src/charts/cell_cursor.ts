// Which cell is in hand, also when a longer log has other lines and merges other steps into its columns?

import type { Matrix } from "../wire.ts";
import type { Cell } from "./heatmap_keys.ts";

/** A cell by what it says instead of by its place, which changes while the log grows. */
export interface CellCursor {
  name: string;
  step: number;
}

type Columns = Pick<Matrix, "columns" | "first" | "last">;

/** names: of the lines, each once. */
export function cursorAt({ line, column }: Cell, names: readonly string[], { first, last }: Columns): CellCursor {
  return { name: names[line] ?? "", step: Math.round(((first[column] ?? 0) + (last[column] ?? 0)) / 2) };
}

/** The line of this name and the column that holds the step, or comes next to it; null when the line is not there. */
export function cellOf({ name, step }: CellCursor, names: readonly string[], matrix: Columns): Cell | null {
  const line = names.indexOf(name);
  return line >= 0 && matrix.columns > 0 ? { line, column: columnOf(step, matrix) } : null;
}

function columnOf(step: number, { columns, first, last }: Columns): number {
  const distance = (column: number) => Math.max((first[column] ?? 0) - step, step - (last[column] ?? 0));
  let nearest = 0;
  for (let column = 1; column < columns; column++) if (distance(column) < distance(nearest)) nearest = column;
  return nearest;
}
