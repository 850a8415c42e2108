import { expect, test } from "vitest";
import { cellValue, matrixCsv, stretches } from "../../src/charts/matrix_cells.ts";
import type { LayerRow, Matrix } from "../../src/wire.ts";

const MATRIX: Matrix = {
  rows: 2,
  columns: 4,
  rowIndex: Uint32Array.of(0, 1),
  first: Int32Array.of(1, 11, 21, 31),
  last: Int32Array.of(10, 20, 30, 31),
  values: Float32Array.of(1, 5, 2, Number.NaN, 7, 0, 9, 3),
};
const LINE = { isGroup: true, isOpen: false, name: "m", label: "m", depth: 0, places: [0, 1] };

test("columns are merged into as many as can be read, and only those in the window", () => {
  expect(stretches(MATRIX, [1, 31], 2)).toEqual([
    { steps: [1, 20], first: 0, last: 2 },
    { steps: [21, 31], first: 2, last: 4 },
  ]);
  expect(stretches(MATRIX, [12, 15], 2)).toEqual([{ steps: [11, 20], first: 1, last: 2 }]);
});

test("a merged cell holds the most telling value of its recorded rows", () => {
  const [first, second] = stretches(MATRIX, [1, 31], 2);
  if (!first || !second) throw new Error("two stretches");
  expect(cellValue(MATRIX, LINE, first, [true, true])).toBe(7);
  expect(cellValue(MATRIX, LINE, second, [true, true])).toBeNaN();
  expect(cellValue(MATRIX, LINE, second, [false, true])).toBe(9);
  expect(cellValue(MATRIX, LINE, first, [false, false])).toBeNull();
});

test("a file has every row and every column", () => {
  const rows = [{ name: "a" }, { name: "b" }] as LayerRow[];
  expect(matrixCsv(MATRIX, rows, "step")).toEqual([
    ["row", "step 1 to 10", "step 11 to 20", "step 21 to 30", "step 31"],
    ["a", "1", "5", "2", "NaN"],
    ["b", "7", "0", "9", "3"],
  ]);
});
