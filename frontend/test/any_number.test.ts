// Whatever number a log holds, writing it does not throw and does not fill the page.

import { expect, test } from "vitest";
import { placeOf, stepAt, stepTicks, zoomed } from "../src/charts/step_axis.ts";
import { linearTicks, logTicks } from "../src/charts/ticks.ts";
import { ago, clock, integer, isTime, measured, number, plural, stepSpan, withUnit } from "../src/format.ts";
import { limitText } from "../src/views/met_threshold.ts";
import { place, powersOfTen } from "../src/views/track.ts";

const SIZES = [
  0,
  5e-324,
  2.3e-308,
  1e-12,
  0.1,
  1,
  59,
  1000.5,
  1.79e9,
  1.79e12,
  8.64e12,
  8.64e12 + 1,
  1.79e15,
  1.79e18,
  2 ** 53,
  2 ** 63,
  1e21,
  1e300,
  Number.MAX_VALUE,
  Number.POSITIVE_INFINITY,
  Number.NaN,
];
const NUMBERS = SIZES.flatMap(size => [size, -size]);
const PAIRS = NUMBERS.flatMap(one => NUMBERS.map(other => [one, other] as const));

/** Longer than any of them has to be. */
const LONG = 60;

const WRITERS: Record<string, (value: number) => string> = {
  number,
  integer,
  clock,
  ago,
  share: value => measured(value, "share"),
  measured: value => measured(value, "log", "nats"),
  withUnit: value => withUnit(value, "s"),
  stepSpan: value => stepSpan([value, value]),
  steps: value => stepSpan([value, 1]),
  plural: value => plural(value, "layer"),
  limit: value => limitText({ text: "", value, threshold: value, unit: "s", source: "", layers: [], steps: null }),
};

test.each(Object.entries(WRITERS))("%s writes any number as a short text", (_, write) => {
  for (const value of NUMBERS) expect(write(value).length, String(value)).toBeLessThan(LONG);
});

test("a time that is none is told as the number it is, and has no age", () => {
  for (const value of [1.79e18, 1.79e12, 1e300, Number.POSITIVE_INFINITY, Number.NaN, -5]) {
    expect(isTime(value)).toBe(false);
    expect(clock(value)).toBe(`dated ${number(value)} s, which is no time`);
  }
  expect([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(ago)).toEqual(["", "", ""]);
  expect(ago(-2 * 86400)).toBe("dated in the future");
});

test("whole numbers that are not exact any more are written by their size", () => {
  expect([2 ** 63, 1e300].map(integer)).toEqual(["9.22e18", "1e300"]);
});

test("ticks of any span are few and never throw", () => {
  for (const [low, high] of PAIRS) {
    for (const ticks of [linearTicks, logTicks]) expect(ticks(low, high, 5).length, `${low} ${high}`).toBeLessThan(20);
    for (const isLog of [false, true]) {
      const axis = { from: low, to: high, isLog };
      expect(stepTicks(axis, 5).length, `${low} ${high}`).toBeLessThan(20);
      expect(() => [placeOf(1, axis), stepAt(0.5, axis), ...zoomed(axis, 1, 2)]).not.toThrow();
    }
  }
});

test("a place on the track is a percentage, whatever the steps", () => {
  for (const extent of PAIRS) {
    expect(powersOfTen(extent).length).toBeLessThan(20);
    for (const step of NUMBERS) {
      const found = place(step, extent);
      expect(found >= 0 && found <= 100, `${step} on ${extent}`).toBe(true);
    }
  }
});
