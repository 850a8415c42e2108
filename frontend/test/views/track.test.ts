import { expect, test } from "vitest";
import { place, powersOfTen } from "../../src/views/track.ts";

test("steps stand by their order of magnitude", () => {
  expect([1, 10, 100, 1000, 10000].map(step => place(step, [1, 10000]))).toEqual([0, 25, 50, 75, 100]);
});

test("what began before the first step, or lasts longer than the charts, stands at the end", () => {
  expect(place(0, [1, 400])).toBe(0);
  expect(place(999, [1, 400])).toBe(100);
});

test("a log of one step has one place", () => {
  expect(place(1, [1, 1])).toBe(0);
});

test("powers of ten mark the scale, none of them under the last step's own mark", () => {
  expect(powersOfTen([1, 456])).toEqual([1, 10, 100]);
  expect(powersOfTen([20, 150])).toEqual([]);
  expect(powersOfTen([1, 1])).toEqual([]);
});
