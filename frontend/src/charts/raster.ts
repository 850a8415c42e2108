// Which colour index has each pixel of a heatmap? Cells of any width in, whole pixels out, and no spike lost.

import type { Matrix } from "../wire.ts";
import { NOT_RECORDED } from "./colour_scale.ts";

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

/** Evenly spaced borders of `count` rows in `height` pixels. */
export function rowEdges(count: number, height: number): Float64Array {
  return Float64Array.from({ length: count + 1 }, (_, i) => (i * height) / count);
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
  const line = new Uint8Array(width);
  for (let row = 0; row < rows.length - 1; row++) {
    for (let x = 0; x < width; x++) {
      let top = NOT_RECORDED;
      const end = across.end[x] ?? 0;
      for (let c = across.start[x] ?? 0; c < end; c++) top = Math.max(top, indexes[row * columnCount + c] ?? 0);
      line[x] = top;
    }
    for (let y = 0; y < height; y++) {
      if (row < (down.start[y] ?? 0) || row >= (down.end[y] ?? 0)) continue;
      for (let x = 0; x < width; x++) {
        const at = y * width + x;
        pixels[at] = Math.max(pixels[at] ?? 0, line[x] ?? 0);
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

/** The cell that a pixel position falls into; -1 outside all of them. edges: increasing. */
export function cellAt(edges: Float64Array, position: number): number {
  for (let cell = 0; cell < edges.length - 1; cell++) {
    if (position >= (edges[cell] ?? 0) && position < (edges[cell + 1] ?? 0)) return cell;
  }
  return -1;
}
