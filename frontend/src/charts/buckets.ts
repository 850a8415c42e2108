// Where does a histogram's bucket lie, which colour has its share, and what is it called? Largest values on top.

import { measured, number } from "../format.ts";
import type { Histogram, Matrix } from "../wire.ts";
import { NOT_RECORDED, RAMP_FIRST, RAMP_LAST } from "./colour_scale.ts";

/** CSS pixels of the values that are exactly zero, however many buckets share the rest. */
const ZERO_HEIGHT = 12;

/** CSS pixels from one tick to the next, at least. */
const TICK_ROOM = 20;

/** The ramp's lower end: of a large tensor 2,048 values are drawn, and one of them is this share. */
const LEAST_SHARE = 1 / 2048;

export interface Tick {
  value: number;
  y: number;
}

/** Without the buckets around zero that are empty at all steps on both sides, which would take most of the picture. */
export function withoutEmptyMiddle(histogram: Histogram): Histogram {
  const { low, high, shares } = histogram;
  const inner = low.map((from, i) => Math.min(Math.abs(from), Math.abs(high[i] ?? 0)));
  const isZero = low.map((from, i) => from === 0 && high[i] === 0);
  const used = inner.filter((_, i) => !isZero[i] && shares.some(line => (line[i] ?? 0) > 0));
  const smallest = Math.min(...used);
  const kept = (_: unknown, i: number) => isZero[i] || (inner[i] ?? 0) >= smallest;
  return {
    ...histogram,
    low: low.filter(kept),
    high: high.filter(kept),
    shares: shares.map(line => line.filter(kept)),
  };
}

/** The shares as a heatmap has its cells: a row per bucket, largest values first, a column per step. */
export function bucketMatrix({ steps, low, shares }: Histogram): Matrix {
  const [rows, columns] = [low.length, steps.length];
  const values = new Float32Array(rows * columns);
  shares.forEach((line, column) => {
    line.forEach((share, bucket) => {
      values[(rows - 1 - bucket) * columns + column] = share;
    });
  });
  const first = Int32Array.from(steps);
  return { rows, columns, rowIndex: Uint32Array.from({ length: rows }, (_, i) => i), first, last: first, values };
}

/** Borders of the matrix's rows in pixels, rows + 1 of them. */
export function bucketEdges({ low, high }: Histogram, height: number): Float64Array {
  const zero = zeroRow({ low, high });
  const rest = low.length - (zero < 0 ? 0 : 1);
  const ofZero = rest ? Math.min(ZERO_HEIGHT, height) : height;
  const each = rest ? (height - (zero < 0 ? 0 : ofZero)) / rest : 0;
  const edges = new Float64Array(low.length + 1);
  for (let row = 0; row < low.length; row++) edges[row + 1] = (edges[row] ?? 0) + (row === zero ? ofZero : each);
  return edges;
}

/** The matrix's row of what is exactly zero; -1 where no step shows it. */
export function zeroRow({ low, high }: Pick<Histogram, "low" | "high">): number {
  const bucket = low.findIndex((from, i) => from === 0 && high[i] === 0);
  return bucket < 0 ? -1 : low.length - 1 - bucket;
}

/** Zero and powers of ten on both sides of it, as many as have room. edges: of bucketEdges. */
export function bucketTicks(histogram: Pick<Histogram, "low" | "high">, edges: Float64Array): Tick[] {
  const { low, high } = histogram;
  const zero = zeroRow(histogram);
  const found: Tick[] = zero < 0 ? [] : [{ value: 0, y: ((edges[zero] ?? 0) + (edges[zero + 1] ?? 0)) / 2 }];
  const add = (value: number) => {
    const y = placeOfValue(value, histogram, edges);
    if (y !== null && found.every(other => Math.abs(other.y - y) >= TICK_ROOM)) found.push({ value, y });
  };
  const sizes = [...low, ...high].map(Math.abs).filter(size => size > 0 && Number.isFinite(size));
  const largest = Math.floor(Math.log10(Math.max(...sizes)) + 1e-9);
  const smallest = Math.ceil(Math.log10(Math.min(...sizes)) - 1e-9);
  // From large to small: how far the values reach is asked first.
  for (let power = largest; power >= smallest; power--) {
    add(Number(`1e${power}`));
    add(Number(`-1e${power}`));
  }
  return found.sort((a, b) => a.y - b.y);
}

/** Within a bucket by order of magnitude; null in none of those with two finite ends. */
function placeOfValue(value: number, { low, high }: Pick<Histogram, "low" | "high">, edges: Float64Array) {
  for (let bucket = 0; bucket < low.length; bucket++) {
    const [from, to] = [low[bucket] ?? 0, high[bucket] ?? 0];
    if (!from || !to || !Number.isFinite(to - from) || value < from || value > to) continue;
    const row = low.length - 1 - bucket;
    const [top, bottom] = [edges[row] ?? 0, edges[row + 1] ?? 0];
    return bottom - (Math.log(value / from) / Math.log(to / from)) * (bottom - top);
  }
  return null;
}

/** Place on the ramp, 0 to 1: by order of magnitude, so that the thin ends of a distribution are seen beside its middle. */
export function sharePlace(share: number): number {
  return Math.max(0, 1 - Math.log(share) / Math.log(LEAST_SHARE));
}

/** Colour index of each cell; a bucket without values has none. */
export function shareIndexes(values: Float32Array): Uint8Array {
  return Uint8Array.from(values, share =>
    share > 0 ? RAMP_FIRST + Math.round(sharePlace(share) * (RAMP_LAST - RAMP_FIRST)) : NOT_RECORDED,
  );
}

/** "0.25 to 0.5", "exactly 0". */
export function bucketName({ low, high }: Pick<Histogram, "low" | "high">, row: number): string {
  const bucket = low.length - 1 - row;
  const [from, to] = [low[bucket], high[bucket]];
  return from === 0 && to === 0 ? "exactly 0" : `${number(from)} to ${number(to)}`;
}

/** "NaN or Inf: 10 %", "" where every value is finite. */
export function nonfiniteText(share: number): string {
  return share > 0 ? `NaN or Inf: ${measured(share, "share")}` : "";
}

/** Heads, then a row of text per step: its buckets from the smallest values to the largest, and what is in none. */
export function bucketCsv(histogram: Histogram, unit: string): string[][] {
  const { steps, low, shares, nonfinite } = histogram;
  const names = low.map((_, bucket) => bucketName(histogram, low.length - 1 - bucket));
  return [
    [unit, "NaN or Inf", ...names],
    ...steps.map((step, i) => [step, nonfinite[i] ?? 0, ...(shares[i] ?? [])].map(String)),
  ];
}
