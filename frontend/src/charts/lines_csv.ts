// Which numbers does a chart of lines show? One row per step, one column per line, and the bounds of merged ones.

import type { Line } from "./align.ts";

/** Heads, then rows of text; empty where a line has no point at the step. */
export function linesCsv(lines: readonly Line[], unit: string): string[][] {
  const columns = lines.flatMap(line => [
    { head: line.label, line, values: line.values },
    ...(line.low ? [{ head: `${line.label} low`, line, values: line.low }] : []),
    ...(line.high ? [{ head: `${line.label} high`, line, values: line.high }] : []),
  ]);
  const steps = [...new Set(lines.flatMap(line => line.steps))].sort((a, b) => a - b);
  const byStep = columns.map(({ line, values }) => new Map(line.steps.map((step, i) => [step, values[i]])));
  return [
    [unit, ...columns.map(({ head }) => head)],
    ...steps.map(step => [step, ...byStep.map(values => values.get(step))].map(value => String(value ?? ""))),
  ];
}
