import { expect, test } from "vitest";
import {
  bucketCsv,
  bucketEdges,
  bucketMatrix,
  bucketName,
  bucketTicks,
  nonfiniteText,
  shareIndexes,
  withoutEmptyMiddle,
  zeroRow,
} from "../../src/charts/buckets.ts";
import { NOT_RECORDED, RAMP_FIRST, RAMP_LAST } from "../../src/charts/colour_scale.ts";

const HISTOGRAM = {
  id: "gradient",
  label: "Gradient",
  steps: [1, 10],
  low: [-0.5, 0, 0.25, 0.5],
  high: [-0.25, 0, 0.5, 1],
  shares: [
    [0.25, 0.5, 0.25, 0],
    [0, 0.9, 0, 0],
  ],
  nonfinite: [0, 0.1],
  shown: 2,
  recorded: 2,
};

/** Octaves of both signs from 2^-40 to 2^20, the outermost without an end. */
function wide() {
  const sizes = Array.from({ length: 61 }, (_, i) => (i === 0 ? 0 : i === 60 ? Infinity : 2 ** (i - 40)));
  const down = sizes.toReversed().map(size => -size);
  return {
    low: [...down.slice(0, -1), 0, ...sizes.slice(0, -1)],
    high: [...down.slice(1), 0, ...sizes.slice(1)],
  };
}

test("the largest values are the uppermost row", () => {
  const { rows, columns, first, values } = bucketMatrix(HISTOGRAM);
  expect([rows, columns, [...first]]).toEqual([4, 2, [1, 10]]);
  expect([...values]).toEqual([0, 0, 0.25, 0, 0.5, Math.fround(0.9), 0.25, 0]);
});

test("the middle that is empty at all steps on both sides is left out, and zero stays", () => {
  const histogram = {
    ...HISTOGRAM,
    low: [-2, -1, -0.5, 0, 0, 0.5, 1],
    high: [-1, -0.5, 0, 0, 0.5, 1, 2],
    shares: [
      [0.5, 0, 0, 0, 0, 0, 0.5],
      [0.4, 0, 0, 0, 0, 0.1, 0.5],
    ],
  };
  const kept = withoutEmptyMiddle(histogram);
  expect([kept.low, kept.high]).toEqual([
    [-2, -1, 0, 0.5, 1],
    [-1, -0.5, 0, 1, 2],
  ]);
  expect(kept.shares).toEqual([
    [0.5, 0, 0, 0, 0.5],
    [0.4, 0, 0, 0.1, 0.5],
  ]);
  expect(withoutEmptyMiddle({ ...histogram, shares: [[0, 0, 0, 1, 0, 0, 0]] }).low).toEqual([0]);
});

test("what is exactly zero has a height of its own and the other buckets share the rest", () => {
  expect(zeroRow(HISTOGRAM)).toBe(2);
  expect([...bucketEdges(HISTOGRAM, 102)]).toEqual([0, 30, 60, 72, 102]);
  expect([...bucketEdges({ ...HISTOGRAM, low: [0], high: [0] }, 100)]).toEqual([0, 100]);
  expect([...bucketEdges({ ...HISTOGRAM, low: [1, 2], high: [2, 4] }, 100)]).toEqual([0, 50, 100]);
});

test("a bucket that ends at zero is not the one of exactly zero", () => {
  expect(zeroRow({ low: [-1, 0], high: [0, 1] })).toBe(-1);
});

test("ticks stand at zero and at powers of ten on both sides, each with room", () => {
  const histogram = wide();
  const edges = bucketEdges({ ...HISTOGRAM, ...histogram }, 130);
  const ticks = bucketTicks(histogram, edges);
  const values = ticks.map(({ value }) => value);
  expect(values).toContain(0);
  expect(values).toEqual(values.toSorted((a, b) => b - a));
  expect(values.map(value => -value || 0).toReversed()).toEqual(values);
  expect(values.length).toBeGreaterThanOrEqual(5);
  for (let i = 1; i < ticks.length; i++) {
    expect((ticks[i]?.y ?? 0) - (ticks[i - 1]?.y ?? 0)).toBeGreaterThanOrEqual(20);
  }
});

test("a tick lies within its bucket by order of magnitude", () => {
  const histogram = { low: [0.5, 8], high: [8, 16] };
  expect(bucketTicks(histogram, Float64Array.of(0, 80, 160))).toEqual([
    { value: 10, y: expect.closeTo(80 - 80 * Math.log2(10 / 8)) },
    { value: 1, y: 140 },
  ]);
});

test("only zeros have a tick, and nothing at all has none", () => {
  expect(bucketTicks({ low: [0], high: [0] }, Float64Array.of(0, 130))).toEqual([{ value: 0, y: 65 }]);
  expect(bucketTicks({ low: [], high: [] }, Float64Array.of(0))).toEqual([]);
});

test("a bucket without values has no colour and a small share has one", () => {
  expect([...shareIndexes(Float32Array.of(0, 1e-6, 2 ** -5, 1))]).toEqual([
    NOT_RECORDED,
    RAMP_FIRST,
    RAMP_FIRST + Math.round((6 / 11) * (RAMP_LAST - RAMP_FIRST)),
    RAMP_LAST,
  ]);
});

test("buckets and what is in none are told in words", () => {
  expect([0, 1, 2, 3].map(row => bucketName(HISTOGRAM, row))).toEqual([
    "0.5 to 1",
    "0.25 to 0.5",
    "exactly 0",
    "-0.5 to -0.25",
  ]);
  expect([0, 0.1].map(nonfiniteText)).toEqual(["", "NaN or Inf: 10 %"]);
});

test("the table has a row per step with every share", () => {
  expect(bucketCsv(HISTOGRAM, "step")).toEqual([
    ["step", "NaN or Inf", "-0.5 to -0.25", "exactly 0", "0.25 to 0.5", "0.5 to 1"],
    ["1", "0", "0.25", "0.5", "0.25", "0"],
    ["10", "0.1", "0", "0.9", "0", "0"],
  ]);
});
