import { expect, test } from "vitest";
import { checksCsv, comparisonCsv } from "../src/report_csv.ts";
import type { Check } from "../src/wire.ts";

const CHECK: Check = {
  id: "k",
  title: "K",
  state: "found",
  evidence: [
    { text: "a, b", value: Number.NaN, threshold: 0.5, unit: "u", source: "s", layers: [], steps: [1, 9] },
    { text: "c", value: null, threshold: null, unit: "", source: "", layers: [], steps: null },
  ],
  onset: 3,
  layers: [],
  needs: "",
};

test("each measured fact of a check is a row", () => {
  expect(checksCsv([CHECK]).slice(1)).toEqual([
    ["K", "found", "3", "a, b", "NaN", "0.5", "u", "1", "9"],
    ["K", "found", "3", "c", "", "", "", "", ""],
  ]);
});

test("a check that was not run is a row that says what it needs", () => {
  const rows = checksCsv([{ ...CHECK, state: "not_run", evidence: [], onset: null, needs: "more" }]);
  expect(rows[1]).toEqual(["K", "not_run", "", "needs: more", "", "", "", "", ""]);
});

test("a comparison has a column per run", () => {
  const verdict = { state: "learning", severity: "none" as const, headline: "", causeTitle: "" };
  expect(
    comparisonCsv({
      runs: ["a", "b"],
      verdicts: [verdict, { ...verdict, state: "stalled" }],
      findings: [
        {
          id: "c",
          title: "C",
          changes: [null, "appeared"],
          standings: [null, { confidence: "likely", severity: "critical" }],
        },
      ],
      settings: [{ group: "Optimizer", label: "Learning rate", values: [0.1, null] }],
      statistics: [],
    }),
  ).toEqual([
    ["part", "what", "a", "b"],
    ["Verdict", "", "learning", "stalled"],
    ["Finding", "C", "", "likely, critical, appeared"],
    ["Optimizer", "Learning rate", "0.1", ""],
  ]);
});
