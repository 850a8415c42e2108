import { expect, test } from "vitest";
import { placeOf, stepAt, stepTicks, zoomed } from "../../src/charts/step_axis.ts";

const even = { from: 0, to: 1000, isLog: false };
const byMagnitude = { ...even, isLog: true };

test("steps lie evenly, or by their order of magnitude", () => {
  expect([0, 10, 100, 1000].map(step => placeOf(step, even))).toEqual([0, 0.01, 0.1, 1]);
  const places = [10, 100, 1000].map(step => placeOf(step, byMagnitude));
  expect((places[1] ?? 0) - (places[0] ?? 0)).toBeCloseTo((places[2] ?? 0) - (places[1] ?? 0), 2);
});

test("a place leads back to its step", () => {
  for (const axis of [even, byMagnitude]) expect(stepAt(placeOf(123, axis), axis)).toBeCloseTo(123);
});

test("zooming keeps the step under the pointer where it is", () => {
  for (const axis of [even, byMagnitude]) {
    const [from, to] = zoomed(axis, 400, 2);
    expect(placeOf(400, { ...axis, from, to })).toBeCloseTo(placeOf(400, axis));
    expect(to - from).toBeLessThan(1000);
  }
});

test("ticks are whole steps, powers of ten where the axis goes by magnitude", () => {
  expect(stepTicks({ from: 1, to: 3, isLog: false }, 8)).toEqual([1, 2, 3]);
  expect(stepTicks(byMagnitude, 5)).toEqual([0, 1, 10, 100, 1000]);
});
