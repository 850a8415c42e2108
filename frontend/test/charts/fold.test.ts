import { expect, test } from "vitest";
import { foldedIndexes, mostTelling } from "../../src/charts/fold.ts";

const LINE = { isGroup: true, isOpen: false, name: "m", label: "m", depth: 0 };

test("a line of several rows shows the largest index of each column", () => {
  const indexes = Uint8Array.of(5, 9, 7, 2, 1, 255);
  const folded = foldedIndexes(
    indexes,
    [
      { ...LINE, places: [0, 2] },
      { ...LINE, places: [1] },
    ],
    2,
  );
  expect([...folded]).toEqual([5, 255, 7, 2]);
});

test("a NaN tells more than an infinity, which tells more than the largest number", () => {
  expect(mostTelling([1, 3, 2])).toBe(1);
  expect(mostTelling([1, Number.NEGATIVE_INFINITY, 9])).toBe(1);
  expect(mostTelling([Number.POSITIVE_INFINITY, Number.NaN, 9])).toBe(1);
  expect(mostTelling([])).toBe(-1);
});
