import { expect, test } from "vitest";
import { rampColour, rgb } from "../../src/charts/palette.ts";

function lightness(colour: string): number {
  const [red, green, blue] = rgb(colour);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

test("colours are read in both spellings", () => {
  expect(rgb("#0b63a8")).toEqual([11, 99, 168]);
  expect(rgb("rgb(1, 2, 30)")).toEqual([1, 2, 30]);
});

test("the plain ramp grows lighter all the way, so it reads without colour", () => {
  const steps = Array.from({ length: 21 }, (_, i) => lightness(rampColour(i / 20, false)));
  expect(steps).toEqual(steps.toSorted((a, b) => a - b));
});

test("the diverging ramp is lightest in the middle, purple below and orange above", () => {
  const [low, middle, high] = [0.1, 0.5, 0.9].map(place => rgb(rampColour(place, true)));
  expect(lightness(rampColour(0.5, true))).toBeGreaterThan(230);
  expect(low?.[2]).toBeGreaterThan(low?.[1] ?? 255);
  expect(high?.[0]).toBeGreaterThan(high?.[2] ?? 255);
  expect(middle).toBeDefined();
});
