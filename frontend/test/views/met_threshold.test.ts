import { expect, test } from "vitest";
import { limitText, metThreshold } from "../../src/views/met_threshold.ts";
import type { Check, Evidence, LayerRow, Report, Statistic } from "../../src/wire.ts";

const FACT: Evidence = {
  text: "One update moves the weights by only 5e-8.",
  value: 5e-8,
  threshold: 5e-5,
  unit: "update / weight",
  source: "",
  layers: ["fc/kernel"],
  steps: null,
};
const CHECK: Check = {
  id: "update_ratio",
  title: "Update ratio",
  state: "found",
  evidence: [FACT],
  onset: null,
  layers: [],
  needs: "",
};
const STATISTIC = { id: "update_ratio", checks: ["update_ratio"] } as Statistic;

function report(check: Partial<Check>): Report {
  return { checks: [{ ...CHECK, ...check }] } as Report;
}

function row(name: string, layer: string): LayerRow {
  return { name, layer } as LayerRow;
}

test("a number stands beside the threshold of the found check that names its row or layer", () => {
  expect(metThreshold(report({}), row("fc/kernel", "fc"), STATISTIC)).toBe(FACT);
  const onLayer = { ...FACT, layers: ["fc"] };
  expect(metThreshold(report({ evidence: [onLayer] }), row("fc/bias", "fc"), STATISTIC)).toBe(onLayer);
});

test("no threshold of another row, another statistic, or a check that found nothing", () => {
  expect(metThreshold(report({}), row("other/kernel", "other"), STATISTIC)).toBeNull();
  expect(metThreshold(report({}), row("fc/kernel", "fc"), { ...STATISTIC, checks: [] })).toBeNull();
  expect(metThreshold(report({ state: "not_found" }), row("fc/kernel", "fc"), STATISTIC)).toBeNull();
});

test("a limit is told with its side, and with its unit where that is one word", () => {
  expect(limitText(FACT)).toBe("below 5e-5");
  expect(limitText({ ...FACT, value: 0, threshold: 0 })).toBe("at 0");
  expect(limitText({ ...FACT, value: 12, threshold: 3, unit: "decades" })).toBe("above 3 decades");
});
