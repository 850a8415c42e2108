import { expect, test } from "vitest";
import { ticks } from "../../src/charts/colour_bar.tsx";

const SCALE = { isRatio: false, centre: null, reach: 1, below: 0, above: 0, zeros: 0, nans: 0, infinities: 0 };

test("ticks of a colour bar leave room for each other's numbers", () => {
  expect(ticks({ ...SCALE, isLog: true, low: 300, high: 4000 })).toEqual([1000, 2000, 4000]);
  expect(ticks({ ...SCALE, isLog: true, low: 1e-5, high: 1 })).toEqual([1e-5, 1e-3, 0.1]);
});

test("the healthy value is always told", () => {
  expect(ticks({ ...SCALE, isLog: true, low: 1e-5, high: 0.1, centre: 2e-3 })).toContain(2e-3);
});
