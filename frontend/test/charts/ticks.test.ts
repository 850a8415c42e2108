import { expect, test } from "vitest";
import { linearTicks, logTicks } from "../../src/charts/ticks.ts";

test("linear ticks are round and inside the range", () => {
  expect(linearTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(linearTicks(1, 400, 5)).toEqual([100, 200, 300, 400]);
  expect(linearTicks(-0.3, 0.3, 4)).toEqual([-0.2, 0, 0.2]);
});

test("an empty range has one tick", () => {
  expect(linearTicks(3, 3, 5)).toEqual([3]);
});

test("log ticks are powers of ten, thinned to the room there is", () => {
  expect(logTicks(1e-11, 0.1, 4)).toEqual([1e-11, 1e-8, 1e-5, 0.01]);
  expect(logTicks(0.05, 200, 6)).toEqual([0.1, 1, 10, 100]);
});

test("a log range within one decade still has more than one tick", () => {
  expect(logTicks(2.1, 2.9, 4)).toEqual([2.2, 2.4, 2.6, 2.8]);
});
