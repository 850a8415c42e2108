// Which colour index has each cell of a heatmap? Values in, bytes out; no canvas, no colours.

import type { Matrix, Statistic } from "../wire.ts";

/** Colour indexes. Their order is their rank: where cells share a pixel, the largest wins, so no spike is lost. */
export const NOT_RECORDED = 0;
export const ZERO = 1;
export const RAMP_FIRST = 2;
export const RAMP_LAST = 251;
export const INFINITE = 254;
export const NAN = 255;

/** Shares of the values left outside the ramp's range at each end, so that one spike does not take half the ramp. */
const TAIL = 0.001;

/**
 * From values to the ramp. low, high: the range shown. centre: the middle of a diverging ramp, or null; reach: how far
 * from it the ramp's ends are, as a factor on a log scale, else as a difference. Counts are cells.
 */
export interface ColourScale {
  isLog: boolean;
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

/** The scale for the cells of the recorded rows. isRecorded: one flag per matrix row. */
export function colourScale(matrix: Matrix, statistic: Statistic, isRecorded: readonly boolean[]): ColourScale {
  const isLog = statistic.scale === "log" || statistic.scale === "count";
  const scale: ColourScale = {
    isLog,
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
  const ranked = new Float32Array(matrix.values.length);
  let count = 0;
  matrix.values.forEach((value, i) => {
    if (!isRecorded[Math.floor(i / matrix.columns)]) return;
    if (Number.isNaN(value)) scale.nans++;
    else if (!Number.isFinite(value)) scale.infinities++;
    else if (isLog && value === 0) scale.zeros++;
    else ranked[count++] = value;
  });
  if (statistic.scale === "share") return scale;
  const sorted = ranked.subarray(0, count).sort();
  if (!count) return scale;
  const range = widened(quantile(sorted, TAIL, Math.floor), quantile(sorted, 1 - TAIL, Math.ceil), isLog);
  scale.centre = statistic.healthy ?? (!isLog && range[0] < 0 && range[1] > 0 ? 0 : null);
  [scale.low, scale.high] = scale.centre === null ? range : including(scale.centre, range);
  if (scale.centre !== null) scale.reach = reachFrom(scale.centre, range, isLog);
  scale.below = sorted.findIndex(value => value >= Math.fround(scale.low));
  scale.above = count - 1 - sorted.findLastIndex(value => value <= Math.fround(scale.high));
  return scale;
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
  if (!Number.isFinite(value)) return INFINITE;
  if (scale.isLog && value <= 0) return value === 0 ? ZERO : RAMP_FIRST;
  return RAMP_FIRST + Math.round(rampPlace(value, scale) * (RAMP_LAST - RAMP_FIRST));
}

/** Colour index of every cell, rows x columns. */
export function colourIndexes(matrix: Matrix, scale: ColourScale, isRecorded: readonly boolean[]): Uint8Array {
  return Uint8Array.from(matrix.values, (value, i) =>
    isRecorded[Math.floor(i / matrix.columns)] ? colourIndex(value, scale) : NOT_RECORDED,
  );
}
