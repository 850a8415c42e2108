// Which colour index has each cell of a heatmap? Values in, bytes out; no canvas, no colours.

import type { Matrix, Statistic } from "../wire.ts";

/** Colour indexes. Their order is their rank: where cells share a pixel, the largest wins, so no spike is lost. */
export const NOT_RECORDED = 0;
export const ZERO = 1;
export const RAMP_FIRST = 2;
export const RAMP_LAST = 251;
export const ONE_SIDED = 253;
export const INFINITE = 254;
export const NAN = 255;

/** What an infinite ratio of two runs means, which is no fault of either. */
export const ONE_SIDED_TEXT = "only one run is 0 or Inf";

/** Shares of the values left outside the ramp's range at each end, so that one spike does not take half the ramp. */
const TAIL = 0.001;

/** Values that are ranked to find the range: of more, evenly spaced ones, as sorting a million takes longer than drawing. */
const RANKED = 1 << 16;

/**
 * From values to the ramp. low, high: the range shown. centre: the middle of a diverging ramp, or null; reach: how far
 * from it the ramp's ends are, as a factor on a log scale, else as a difference. isRatio: the values are ratios of two
 * runs. Counts are cells.
 */
export interface ColourScale {
  isLog: boolean;
  isRatio: boolean;
  low: number;
  high: number;
  centre: number | null;
  reach: number;
  below: number;
  above: number;
  zeros: number;
  nans: number;
  infinities: number;
}

/** Whether it compares two runs by their ratio, as difference.py does with magnitudes. */
export function isRatio({ unit }: Statistic): boolean {
  return unit === "decades";
}

/** The scale for the cells of the recorded rows. isRecorded: one flag per matrix row. */
export function colourScale(matrix: Matrix, statistic: Statistic, isRecorded: readonly boolean[]): ColourScale {
  const isLog = statistic.scale === "log" || statistic.scale === "count";
  const scale: ColourScale = {
    isLog,
    isRatio: isRatio(statistic),
    low: 0,
    high: 1,
    centre: null,
    reach: 1,
    below: 0,
    above: 0,
    zeros: 0,
    nans: 0,
    infinities: 0,
  };
  const numbers = new Float32Array(matrix.values.length);
  let count = 0;
  for (let row = 0; row < matrix.rows; row++) {
    if (!isRecorded[row]) continue;
    for (let i = row * matrix.columns; i < (row + 1) * matrix.columns; i++) {
      const value = matrix.values[i] as number;
      if (Number.isNaN(value)) scale.nans++;
      else if (!Number.isFinite(value)) scale.infinities++;
      else if (isLog && value === 0) scale.zeros++;
      else numbers[count++] = value;
    }
  }
  if (statistic.scale === "share") return scale;
  if (!count) return scale;
  const sorted = ranked(numbers.subarray(0, count));
  const range = widened(quantile(sorted, TAIL, Math.floor), quantile(sorted, 1 - TAIL, Math.ceil), isLog);
  scale.centre = statistic.healthy ?? (!isLog && range[0] < 0 && range[1] > 0 ? 0 : null);
  [scale.low, scale.high] = scale.centre === null ? range : including(scale.centre, range);
  if (scale.centre !== null) scale.reach = reachFrom(scale.centre, range, isLog);
  const [low, high] = [Math.fround(scale.low), Math.fround(scale.high)];
  for (let i = 0; i < count; i++) {
    const value = numbers[i] as number;
    if (value < low) scale.below++;
    else if (value > high) scale.above++;
  }
  return scale;
}

function ranked(numbers: Float32Array): Float32Array {
  const stride = Math.ceil(numbers.length / RANKED);
  const some = new Float32Array(Math.ceil(numbers.length / stride));
  for (let i = 0; i < some.length; i++) some[i] = numbers[i * stride] as number;
  return some.sort();
}

function quantile(sorted: Float32Array, share: number, round: (place: number) => number): number {
  return sorted[round(share * (sorted.length - 1))] ?? 0;
}

/** A range that is not empty: one value alone stands in the middle of the ramp. */
function widened(low: number, high: number, isLog: boolean): [number, number] {
  if (high > low) return [low, high];
  return isLog ? [low / 2, high * 2] : [low - 0.5, high + 0.5];
}

function including(centre: number, [low, high]: readonly [number, number]): [number, number] {
  return [Math.min(low, centre), Math.max(high, centre)];
}

/** The larger distance to the centre, so that equal distances look equal; on a log scale at least tenfold. */
function reachFrom(centre: number, [low, high]: readonly [number, number], isLog: boolean): number {
  return isLog ? Math.max(centre / low, high / centre, 10) : Math.max(Math.abs(low - centre), Math.abs(high - centre));
}

/** Place of a finite value on the ramp, 0 to 1. */
export function rampPlace(value: number, scale: ColourScale): number {
  const { isLog, centre, reach } = scale;
  if (centre === null) return barPlace(value, scale);
  return clamped(0.5 + 0.5 * (isLog ? Math.log(value / centre) / Math.log(reach) : (value - centre) / reach));
}

/** Place of a finite value on the colour bar, which shows [low, high] only, 0 to 1. */
export function barPlace(value: number, { isLog, low, high }: ColourScale): number {
  return clamped(isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
}

/** The value at a place of the colour bar. */
export function barValue(place: number, { isLog, low, high }: ColourScale): number {
  return isLog ? low * (high / low) ** place : low + place * (high - low);
}

function clamped(place: number): number {
  return Math.max(0, Math.min(1, place));
}

export function colourIndex(value: number, scale: ColourScale): number {
  if (Number.isNaN(value)) return NAN;
  if (!Number.isFinite(value)) return scale.isRatio ? ONE_SIDED : INFINITE;
  if (scale.isLog && value <= 0) return value === 0 ? ZERO : RAMP_FIRST;
  return RAMP_FIRST + Math.round(rampPlace(value, scale) * (RAMP_LAST - RAMP_FIRST));
}

/** Colour index of every cell, rows x columns. */
export function colourIndexes(matrix: Matrix, scale: ColourScale, isRecorded: readonly boolean[]): Uint8Array {
  const indexes = new Uint8Array(matrix.values.length).fill(NOT_RECORDED);
  for (let row = 0; row < matrix.rows; row++) {
    if (!isRecorded[row]) continue;
    for (let i = row * matrix.columns; i < (row + 1) * matrix.columns; i++) {
      indexes[i] = colourIndex(matrix.values[i] as number, scale);
    }
  }
  return indexes;
}
