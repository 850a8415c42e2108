import { expect, test } from "vitest";
import { ago, clock, integer, measured, number, plural, stepSpan, withUnit, words } from "../src/format.ts";

test("a number has four significant digits and no trailing zeros", () => {
  expect([2.3456, 0.5, 12, 1234.5678, 0.001].map(number)).toEqual(["2.346", "0.5", "12", "1235", "0.001"]);
});

test("very large and very small numbers are scientific", () => {
  expect([1e7, 1234567, 0.00099, 2.8e-11, -3e-5].map(number)).toEqual(["1e7", "1.23e6", "9.9e-4", "2.8e-11", "-3e-5"]);
});

test("whole numbers are grouped", () => {
  expect(number(12480)).toBe("12,480");
  expect(integer(1234567)).toBe("1,234,567");
});

test("non-finite numbers are spelled out and a missing one is a dash", () => {
  const { NaN: nan, POSITIVE_INFINITY, NEGATIVE_INFINITY } = Number;
  expect([nan, POSITIVE_INFINITY, NEGATIVE_INFINITY].map(number)).toEqual(["NaN", "Infinity", "−Infinity"]);
  expect(number(null)).toBe("–");
  expect(withUnit(null, "steps")).toBe("–");
});

test("a share is written as percent unless it is not a number", () => {
  expect(measured(0.3125, "share")).toBe("31.3 %");
  expect(measured(Number.NaN, "share")).toBe("NaN");
  expect(measured(0.3125, "linear", "nats")).toBe("0.3125 nats");
});

test("a span of steps names its unit", () => {
  expect(stepSpan([12, 400])).toBe("steps 12 to 400");
  expect(stepSpan([3, 3], "epoch")).toBe("epoch 3");
});

test("words of the backend's ids read as words", () => {
  expect(words("never_learned")).toBe("Never learned");
  expect(words("nonfinite")).toBe("Not finite");
  expect([plural(1, "cause"), plural(3, "cause")]).toEqual(["1 cause", "3 causes"]);
});

test("a log without a time shows none", () => {
  expect(clock(0)).toBe("");
  expect(clock(1_790_000_000)).toContain("Sept");
});

test("an age is told in its largest unit, and a clock that runs ahead is not told", () => {
  expect([-5, 0.4, 59, 61, 7300, 200_000].map(ago)).toEqual([
    "just now",
    "just now",
    "59 s ago",
    "1 min ago",
    "2 h ago",
    "2 d ago",
  ]);
});
