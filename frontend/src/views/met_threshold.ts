// Which threshold did a number of the layer table meet? What the report's found checks say of it, nothing else.

import { number } from "../format.ts";
import type { Evidence, LayerRow, Report, Statistic } from "../wire.ts";

/** The evidence of a found check that judges this statistic and names this row or its layer; null without any. */
export function metThreshold(report: Report, row: LayerRow, statistic: Statistic): Evidence | null {
  const named = (names: readonly string[]) =>
    names.includes(row.name) || (row.layer !== "" && names.includes(row.layer));
  for (const check of report.checks) {
    if (check.state !== "found" || !statistic.checks.includes(check.id)) continue;
    const fact = check.evidence.find(({ layers, threshold }) => threshold !== null && named(layers));
    if (fact) return fact;
  }
  return null;
}

/** "below 5e-5", "at 0", "above 3 decades": short, as the whole sentence stands beside it. */
export function limitText({ value, threshold, unit }: Evidence): string {
  const distance = (value ?? Number.NaN) - (threshold ?? Number.NaN);
  const side = distance === 0 ? "at" : distance < 0 ? "below" : "above";
  const word = /^\w+$/.test(unit) ? ` ${unit}` : "";
  return `${side} ${number(threshold)}${word}`;
}
