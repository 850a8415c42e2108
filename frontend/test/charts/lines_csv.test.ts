import { expect, test } from "vitest";
import type { Line } from "../../src/charts/align.ts";
import { linesCsv } from "../../src/charts/lines_csv.ts";

test("lines with different steps share the rows of a table, with their bounds beside them", () => {
  const looks = { unit: "", colour: "--line-1", dash: [], gaps: [], shown: 2, written: 2 };
  const plain: Line = { id: "a", label: "A", steps: [1, 3], values: [5, Number.NaN], low: null, high: null, ...looks };
  const merged: Line = { id: "b", label: "B", steps: [2, 3], values: [1, 2], low: [0, 1], high: [2, 3], ...looks };
  expect(linesCsv([plain, merged], "step")).toEqual([
    ["step", "A", "B", "B low", "B high"],
    ["1", "5", "", "", ""],
    ["2", "", "1", "0", "2"],
    ["3", "NaN", "2", "1", "3"],
  ]);
});
