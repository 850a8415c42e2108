import { expect, test } from "vitest";
import { decodeComparison } from "../src/comparison.ts";

const ANSWER = {
  runs: ["<a>", "b"],
  verdicts: [
    { state: "learning", severity: "none", headline: "h", cause_title: "" },
    { state: "stalled", severity: "critical", headline: "h", cause_title: "C" },
  ],
  findings: [
    { id: "c", title: "C", changes: [null, "appeared"], standings: [null, { confidence: "likely", severity: "note" }] },
  ],
  settings: [{ group: "Optimizer", label: "Learning rate", values: ["Infinity", null] }],
  statistics: [],
};

test("a comparison keeps one entry per run, and nothing where a run has nothing", () => {
  const { runs, findings, settings } = decodeComparison(ANSWER);
  expect(runs).toEqual(["<a>", "b"]);
  expect(findings[0]?.changes).toEqual([null, "appeared"]);
  expect(findings[0]?.standings).toEqual([null, { confidence: "likely", severity: "note" }]);
  expect(settings[0]?.values).toEqual(["Infinity", null]);
});

test("a change that has no name here is refused with its place", () => {
  const findings = [{ ...ANSWER.findings[0], changes: [null, "vanished"] }];
  expect(() => decodeComparison({ ...ANSWER, findings })).toThrow(/changes\[1\].*vanished/);
});
