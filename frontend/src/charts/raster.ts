// Which colour index has each pixel of a heatmap? Cells of any width in, whole pixels out, and no spike lost.

import type { Matrix } from "../wire.ts";

/**
 * Pixel borders of the columns, columns + 1 numbers: halfway between one column's last step and the next one's first.
 * toPixel: the place of a step on the plot.
 */
export function columnEdges({ columns, first, last }: Matrix, toPixel: (step: number) => number): Float64Array {
  const edges = new Float64Array(columns + 1);
  for (let c = 1; c < columns; c++) edges[c] = toPixel(((last[c - 1] ?? 0) + (first[c] ?? 0)) / 2);
  const start = first[0] ?? 0;
  const end = last[columns - 1] ?? 0;
  const half = columns > 1 ? 0.5 * ((first[1] ?? 0) - (last[0] ?? 0)) : 0.5;
  edges[0] = toPixel(start - half);
  edges[columns] = toPixel(end + (columns > 1 ? 0.5 * (end - (last[columns - 2] ?? 0)) : 0.5));
  return edges;
}

/** As in the backend's merging.py: a distance this many times longer than those on both sides of it is a hole. */
const HOLE = 5;

/** First and last step of the stretches between two columns in which records are missing. */
export function columnHoles({ columns, first, last }: Matrix): [number, number][] {
  const distance = (c: number) => (first[c + 1] ?? 0) - (last[c] ?? 0);
  const found: [number, number][] = [];
  for (let c = 1; c < columns - 2; c++) {
    const beside = Math.max(distance(c - 1), distance(c + 1));
    if (distance(c) > HOLE * beside) found.push([(last[c] ?? 0) + beside / 2, (first[c + 1] ?? 0) - beside / 2]);
  }
  return found;
}

/** Borders of `count` rows, of which [first, end) fill `height` pixels; the others lie above and below. */
export function rowEdges(
  count: number,
  height: number,
  [first, end]: readonly [number, number] = [0, count],
): Float64Array {
  const size = height / Math.max(1e-9, end - first);
  return Float64Array.from({ length: count + 1 }, (_, i) => (i - first) * size);
}

/** Colour index of every pixel, height x width: the largest index of all cells that touch the pixel. */
export function raster(
  indexes: Uint8Array,
  columns: Float64Array,
  rows: Float64Array,
  width: number,
  height: number,
): Uint8Array {
  const columnCount = columns.length - 1;
  const across = cellsPerPixel(columns, width);
  const down = cellsPerPixel(rows, height);
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const [top = 0, bottom = 0] = [down.start[y], down.end[y]];
    const line = y * width;
    if (y > 0 && down.start[y - 1] === top && down.end[y - 1] === bottom) {
      pixels.copyWithin(line, line - width, line);
      continue;
    }
    for (let row = top; row < bottom; row++) {
      const cells = row * columnCount;
      for (let x = 0; x < width; x++) {
        let most = pixels[line + x] as number;
        const end = across.end[x] as number;
        for (let c = across.start[x] as number; c < end; c++) {
          const index = indexes[cells + c] as number;
          if (index > most) most = index;
        }
        pixels[line + x] = most;
      }
    }
  }
  return pixels;
}

/**
 * For each pixel, the half-open range of cells drawn in it. A cell at least a pixel wide owns the pixels whose middle
 * it covers; a narrower one is drawn in the pixel that its middle falls into, so that it cannot vanish.
 */
function cellsPerPixel(edges: Float64Array, size: number): { start: Int32Array; end: Int32Array } {
  const start = new Int32Array(size).fill(edges.length);
  const end = new Int32Array(size);
  for (let cell = 0; cell < edges.length - 1; cell++) {
    const from = edges[cell] ?? 0;
    const to = edges[cell + 1] ?? 0;
    const isNarrow = to - from < 1;
    const first = isNarrow ? Math.floor((from + to) / 2) : Math.round(from);
    const last = isNarrow ? first + 1 : Math.round(to);
    for (let pixel = Math.max(0, first); pixel < Math.min(size, last); pixel++) {
      start[pixel] = Math.min(start[pixel] ?? cell, cell);
      end[pixel] = Math.max(end[pixel] ?? 0, cell + 1);
    }
  }
  return { start, end };
}

/** Whether a part of the cell lies within the first `size` pixels. */
export function isInView(edges: Float64Array, cell: number, size: number): boolean {
  return (edges[cell + 1] ?? 0) > 0 && (edges[cell] ?? 0) < size;
}

/** The cell that a pixel position falls into; -1 outside all of them. edges: increasing. */
export function cellAt(edges: Float64Array, position: number): number {
  if (!(position >= (edges[0] ?? 0) && position < (edges.at(-1) ?? 0))) return -1;
  let low = 0;
  let high = edges.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((edges[middle] ?? 0) <= position) low = middle;
    else high = middle;
  }
  return low;
}
