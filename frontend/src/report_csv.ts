// Which rows has a report, or a comparison, as a table for a spreadsheet?

import type { Comparison } from "./comparison.ts";
import type { Check } from "./wire.ts";

const HEAD = ["check", "state", "onset", "evidence", "measured", "threshold", "unit", "first step", "last step"];

/** One row per measured fact, and one for each check that measured nothing and says what it needs. */
export function checksCsv(checks: readonly Check[]): string[][] {
  const rows = checks.flatMap(({ title, state, onset, evidence, needs }) => {
    const start = [title, state, text(onset)];
    if (!evidence.length) return [[...start, needs && `needs: ${needs}`, "", "", "", "", ""]];
    return evidence.map(fact => [
      ...start,
      fact.text,
      text(fact.value),
      text(fact.threshold),
      fact.unit,
      text(fact.steps?.[0]),
      text(fact.steps?.[1]),
    ]);
  });
  return [HEAD, ...rows];
}

/** Verdicts, findings and settings, a column per run. */
export function comparisonCsv({ runs, verdicts, findings, settings }: Comparison): string[][] {
  return [
    ["part", "what", ...runs],
    ["Verdict", "", ...verdicts.map(({ state }) => state)],
    ...findings.map(({ title, standings, changes }) => [
      "Finding",
      title,
      ...standings.map((standing, at) =>
        [standing && `${standing.confidence}, ${standing.severity}`, changes[at]].filter(Boolean).join(", "),
      ),
    ]),
    ...settings.map(({ group, label, values }) => [group, label, ...values.map(text)]),
  ];
}

function text(value: string | number | null | undefined): string {
  return String(value ?? "");
}
