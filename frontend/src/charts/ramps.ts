// Which colours do the ramps run through? build.mjs ships these values, not the library that knows them.

import { interpolateCividis, interpolatePuOr } from "d3-scale-chromatic";

/** Between two of so many, a straight line through RGB is no different to the eye. */
const STOPS = 64;

/** Stops of a ramp, red, green and blue of each in turn. */
export const CIVIDIS = stops(interpolateCividis);
export const PUOR = stops(interpolatePuOr);

function stops(ramp: (place: number) => string): number[] {
  return Array.from({ length: STOPS }, (_, i) => ramp(i / (STOPS - 1)).match(/\d+/g) ?? []).flatMap(parts =>
    parts.map(Number),
  );
}
