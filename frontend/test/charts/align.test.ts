import { expect, test } from "vitest";
import { align, isPositive, type Line, nearest } from "../../src/charts/align.ts";

function line(steps: number[], values: number[], bounds: Partial<Line> = {}): Line {
  const looks = { id: "l", label: "L", unit: "", colour: "--line-1", dash: [] };
  return { ...looks, steps, values, low: null, high: null, gaps: [], shown: 2, written: 2, ...bounds };
}

test("lines meet on the union of their steps, and a step of another line does not break one", () => {
  const { columns, marks } = align([line([1, 2, 4], [5, 6, 8]), line([2, 3], [0.2, 0.3])], false);
  expect(columns).toEqual([
    [1, 2, 3, 4],
    [5, 6, undefined, 8],
    [undefined, 0.2, 0.3, undefined],
  ]);
  expect(marks).toEqual([]);
});

test("a value that was measured as NaN breaks the line and is marked", () => {
  const { columns, marks } = align([line([1, 2, 3], [1, Number.NaN, Number.NEGATIVE_INFINITY])], false);
  expect(columns[1]).toEqual([1, null, null]);
  expect(marks.map(({ step, text, edge }) => [step, text, edge])).toEqual([
    [2, "NaN", "top"],
    [3, "−Inf", "bottom"],
  ]);
});

test("a log axis marks zero and negative values instead of hiding them", () => {
  const { columns, marks } = align([line([1, 2, 3], [0, -1, 10])], true);
  expect(columns[1]).toEqual([null, null, 10]);
  expect(marks.map(mark => mark.text)).toEqual(["0", "< 0"]);
});

test("the nearest step is found, the earlier one of two equally near", () => {
  const steps = [1, 10, 20];
  expect([0, 5, 6, 15, 16, 99].map(step => nearest(steps, step))).toEqual([0, 0, 1, 1, 2, 2]);
  expect(nearest([], 5)).toBe(-1);
});

test("only finite values decide whether a log axis fits", () => {
  expect(isPositive([line([1, 2], [1, Number.NaN])])).toBe(true);
  expect(isPositive([line([1, 2], [1, 0])])).toBe(false);
  expect(isPositive([line([1], [Number.NaN])])).toBe(false);
});

test("a merged line brings the columns of its band, which ends at the line where a log axis has no place for it", () => {
  const merged = line([1, 2], [3, 4], { low: [1, 0], high: [5, 6] });
  const { columns, bands } = align([line([1], [9]), merged], true);
  expect(bands).toEqual([{ line: 1, high: 3, low: 4 }]);
  expect(columns[3]).toEqual([5, 6]);
  expect(columns[4]).toEqual([1, 4]);
});
