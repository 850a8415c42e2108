// Which colour has each colour index? Cividis for magnitudes, PuOr around a centre, and patterns outside the ramp.

import { INFINITE, NAN, ONE_SIDED, RAMP_FIRST, RAMP_LAST, ZERO } from "./colour_scale.ts";
import { colour } from "./colours.ts";
import { CIVIDIS, PUOR } from "./ramps.ts";

type Rgb = readonly [red: number, green: number, blue: number];

/** Ramp colour at 0 to 1. Diverging: purple below the centre, orange above it. */
export function rampColour(place: number, isDiverging: boolean): string {
  const stops = isDiverging ? PUOR : CIVIDIS;
  const at = place * (stops.length / 3 - 1);
  const below = Math.floor(at);
  const channel = (i: number) => {
    const from = stops[3 * below + i] ?? 0;
    return Math.round(from + (at - below) * ((stops[3 * below + 3 + i] ?? from) - from));
  };
  return `rgb(${channel(0)}, ${channel(1)}, ${channel(2)})`;
}

/** RGBA bytes of a raster. Zero, NaN and one-sided cells are patterned, so that they are told without colour too. */
export function paint(
  pixels: Uint8Array,
  width: number,
  isDiverging: boolean,
  period: number,
): Uint8ClampedArray<ArrayBuffer> {
  const ground = groundColours(isDiverging);
  const zeroDot = packed(colour("--heat-zero-dot"));
  const oneSidedStripe = packed(colour("--heat-zero-dot"));
  const nanStripe = packed(colour("--heat-nan"));
  const painted = new Uint32Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    const index = pixels[i] as number;
    painted[i] = ground[index] as number;
    if (index !== ZERO && index !== NAN && index !== ONE_SIDED) continue;
    const x = i % width;
    const y = (i - x) / width;
    if (index === ZERO && x % period === 0 && y % period === 0) painted[i] = zeroDot;
    else if (index === ONE_SIDED && (x + y) % period < period / 6) painted[i] = oneSidedStripe;
    else if (index === NAN && (x + y) % period < period / 3) painted[i] = nanStripe;
  }
  return new Uint8ClampedArray(painted.buffer);
}

/** The packed colour of each index without its pattern; what was not recorded stays transparent. */
function groundColours(isDiverging: boolean): Uint32Array {
  const ground = new Uint32Array(256);
  for (let i = RAMP_FIRST; i <= RAMP_LAST; i++) {
    ground[i] = packed(rampColour((i - RAMP_FIRST) / (RAMP_LAST - RAMP_FIRST), isDiverging));
  }
  ground[ZERO] = packed(colour("--heat-zero"));
  ground[ONE_SIDED] = packed(colour("--heat-zero"));
  ground[NAN] = packed(colour("--heat-nan-ground"));
  ground[INFINITE] = packed(colour("--heat-inf"));
  return ground;
}

/** The four bytes red, green, blue, alpha as the number that little endian machines store so. */
function packed(text: string): number {
  const [red, green, blue] = rgb(text);
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** From "#rrggbb" or "rgb(r, g, b)". */
export function rgb(text: string): Rgb {
  const hex = /^#(..)(..)(..)$/.exec(text);
  const parts = hex ? hex.slice(1).map(part => Number.parseInt(part, 16)) : (text.match(/\d+/g) ?? []).map(Number);
  return [parts[0] ?? 0, parts[1] ?? 0, parts[2] ?? 0];
}
