import { expect, test } from "vitest";
import { reading } from "../../src/charts/reading.ts";

const MATRIX = {
  rows: 1,
  columns: 3,
  rowIndex: Uint32Array.of(0),
  first: Int32Array.of(1, 2, 3),
  last: Int32Array.of(1, 2, 3),
  values: Float32Array.of(0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
};
const LINE = { isGroup: false, isOpen: false, name: "a", label: "a", depth: 0, places: [0] };

function texts(unit: string): string[] {
  const statistic = {
    id: "s",
    label: "S",
    unit,
    kind: "variable",
    scale: "linear",
    healthy: null,
    checks: [],
  } as const;
  return [0, 1, 2].map(
    column => reading({ line: 0, column }, MATRIX, [LINE], [], [true], { ...statistic, checks: [] }, "step").text,
  );
}

test("an infinite ratio of two runs says what it comes from, any other infinite value is said as it is", () => {
  const why = "only one run is 0 or Inf";
  expect(texts("decades")).toEqual(["0.5 decades", `larger: ${why}`, `smaller: ${why}`]);
  expect(texts("units")).toEqual(["0.5 units", "Infinity units", "−Infinity units"]);
});
