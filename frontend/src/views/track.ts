// Where does a step stand on the timeline's track? By its order of magnitude: a plain axis would pile up what decides.

import type { Steps } from "../wire.ts";

/** Where a step stands on a track, in percent of its width. */
export function place(step: number, [first, last]: Steps): number {
  const log = (value: number) => Math.log10(Math.max(1, value));
  const [low, high] = [log(first), log(last)];
  const share = high > low ? (log(step) - low) / (high - low) : 0;
  return 100 * Math.max(0, Math.min(1, share || 0)); // a step that is no number has no place
}

/** The marks of the track's scale, with room left before the last step, which has a mark of its own. */
export function powersOfTen([first, last]: Steps): number[] {
  return Array.from({ length: 16 }, (_, i) => 10 ** i).filter(step => step >= first && step * 2 < last);
}
