// Which numbers does a chart of lines show? A column per line.

import { useMemo } from "preact/hooks";
import { number } from "../format.ts";
import { stepUnit } from "../state.ts";
import type { Line } from "./align.ts";
import { linesCsv } from "./lines_csv.ts";
import { StepTable } from "./step_table.tsx";

export function SeriesTable({ title, lines, height }: { title: string; lines: readonly Line[]; height: number }) {
  const unit = stepUnit.value;
  const csv = useMemo(() => linesCsv(lines, unit), [lines, unit]);
  return <StepTable label={`${title} as a table`} csv={csv} height={height} cell={shown} />;
}

function shown(value: string): string {
  return value === "" ? "" : number(Number(value));
}
