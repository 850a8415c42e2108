import { expect, test } from "vitest";
import {
  barPlace,
  barValue,
  colourIndex,
  colourIndexes,
  colourScale,
  INFINITE,
  NAN,
  NOT_RECORDED,
  ONE_SIDED,
  RAMP_FIRST,
  RAMP_LAST,
  rampPlace,
  ZERO,
} from "../../src/charts/colour_scale.ts";
import type { Matrix, Scale, Statistic } from "../../src/wire.ts";

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

function matrix(rows: number, values: number[]): Matrix {
  const columns = values.length / rows;
  const steps = Int32Array.from({ length: columns }, (_, i) => i);
  return {
    rows,
    columns,
    rowIndex: new Uint32Array(rows),
    first: steps,
    last: steps,
    values: Float32Array.from(values),
  };
}

function statistic(scale: Scale, healthy: number | null = null): Statistic {
  return { id: "s", label: "S", unit: "", kind: "variable", scale, healthy, checks: [] };
}

test("a log scale spans the positive values and counts the others apart", () => {
  const scale = colourScale(matrix(1, [0.01, 1, 0, nan, infinity, 100]), statistic("log"), [true]);
  expect(scale).toMatchObject({ isLog: true, zeros: 1, nans: 1, infinities: 1, below: 0, above: 0, centre: null });
  expect([scale.low, scale.high].map(end => Number(end.toPrecision(5)))).toEqual([0.01, 100]);
  expect(rampPlace(1, scale)).toBeCloseTo(0.5);
});

test("one spike among many values is clipped and counted, not given half the ramp", () => {
  const values = Array.from({ length: 4000 }, (_, i) => 1 + i / 4000);
  values[7] = 1e9;
  const scale = colourScale(matrix(1, values), statistic("log"), [true]);
  expect(scale.high).toBeLessThan(2.1);
  expect(scale.above).toBeGreaterThan(0);
  expect(colourIndex(1e9, scale)).toBe(RAMP_LAST);
});

test("a share always spans 0 to 1", () => {
  expect(colourScale(matrix(1, [0.2, 0.3]), statistic("share"), [true])).toMatchObject({ low: 0, high: 1, zeros: 0 });
});

test("a healthy value is the middle of the ramp, and equal factors look equally far", () => {
  const scale = colourScale(matrix(1, [1e-6, 1e-3, 1e-2]), statistic("log", 1e-3), [true]);
  expect(rampPlace(1e-3, scale)).toBeCloseTo(0.5);
  expect(rampPlace(1e-2, scale) - 0.5).toBeCloseTo(0.5 - rampPlace(1e-4, scale));
  expect(scale.low).toBeCloseTo(1e-6, 9);
  expect(scale.high).toBeCloseTo(1e-2, 6);
});

test("values of both signs diverge around zero", () => {
  expect(colourScale(matrix(1, [-1, 3]), statistic("linear"), [true])).toMatchObject({ centre: 0, reach: 3 });
});

test("a place on the colour bar leads to its value and back", () => {
  const scale = colourScale(matrix(1, [1e-6, 1e-2]), statistic("log", 1e-3), [true]);
  for (const place of [0, 0.25, 1]) expect(barPlace(barValue(place, scale), scale)).toBeCloseTo(place);
});

test("a single value and no value at all still give a scale", () => {
  const one = colourScale(matrix(1, [5, 5]), statistic("log"), [true]);
  expect(rampPlace(5, one)).toBeCloseTo(0.5);
  expect(colourScale(matrix(1, [nan]), statistic("log"), [true])).toMatchObject({ low: 0, high: 1, nans: 1 });
});

test("zero, NaN and infinity have indexes outside the ramp", () => {
  const scale = colourScale(matrix(1, [1, 10]), statistic("log"), [true]);
  expect([0, nan, infinity, -infinity, 1, 10].map(value => colourIndex(value, scale))).toEqual([
    ZERO,
    NAN,
    INFINITE,
    INFINITE,
    RAMP_FIRST,
    RAMP_LAST,
  ]);
});

test("a row that was not recorded is not shown as NaN and does not count", () => {
  const cells = matrix(2, [1, 10, nan, nan]);
  const scale = colourScale(cells, statistic("log"), [true, false]);
  expect(scale.nans).toBe(0);
  expect([...colourIndexes(cells, scale, [true, false])]).toEqual([RAMP_FIRST, RAMP_LAST, NOT_RECORDED, NOT_RECORDED]);
});

test("a ratio of two runs of which one is zero is no fault of either, and has an index of its own", () => {
  const ratios = { ...statistic("linear"), unit: "decades" };
  const scale = colourScale(matrix(1, [-1, 2, infinity, -infinity]), ratios, [true]);
  expect(scale).toMatchObject({ isRatio: true, infinities: 2, reach: 2 });
  expect([infinity, -infinity, nan, 2].map(value => colourIndex(value, scale))).toEqual([
    ONE_SIDED,
    ONE_SIDED,
    NAN,
    RAMP_LAST,
  ]);
});
