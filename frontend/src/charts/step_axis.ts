// Where on a chart lies a step, evenly or by order of magnitude? The same on every chart, so that they line up.

import { linearTicks, logTicks } from "./ticks.ts";

/** The steps shown. isLog: spaced by the inverse hyperbolic sine, a logarithm that has a place for step 0 too. */
export interface StepAxis {
  from: number;
  to: number;
  isLog: boolean;
}

/** Place of a step: 0 at the left end, 1 at the right. */
export function placeOf(step: number, { from, to, isLog }: StepAxis): number {
  if (to <= from) return step - from;
  return isLog
    ? (Math.asinh(step) - Math.asinh(from)) / (Math.asinh(to) - Math.asinh(from))
    : (step - from) / (to - from);
}

/** The step at a place, not rounded. */
export function stepAt(place: number, { from, to, isLog }: StepAxis): number {
  if (!isLog || to <= from) return from + place * (to - from);
  return Math.sinh(Math.asinh(from) + place * (Math.asinh(to) - Math.asinh(from)));
}

/** About `count` whole steps to write under the axis. */
export function stepTicks({ from, to, isLog }: StepAxis, count: number): number[] {
  const ticks = isLog
    ? [...(from <= 0 ? [0] : []), ...logTicks(Math.max(1, from), to, count)]
    : linearTicks(from, to, count);
  return ticks.filter(Number.isInteger);
}

/** First and last step after zooming by a factor with one step kept where it is. */
export function zoomed(axis: StepAxis, step: number, factor: number): [number, number] {
  const fixed = placeOf(step, axis);
  return [stepAt(fixed - fixed / factor, axis), stepAt(fixed + (1 - fixed) / factor, axis)];
}
