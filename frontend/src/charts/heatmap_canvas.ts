// How is a heatmap painted: the cells, the names of the lines, the step axis?

import { integer } from "../format.ts";
import { colour } from "./colours.ts";
import type { TreeLine } from "./layer_tree.ts";
import { paint } from "./palette.ts";
import { raster } from "./raster.ts";
import { characters, cut } from "./shortened.ts";
import { placeOf, type StepAxis, stepTicks } from "./step_axis.ts";

/** CSS pixels that the name of a line takes. */
export const LABEL_HEIGHT = 13;
const INDENT = 11;
const TOGGLE = 16;

/** The canvas sized for the screen's pixels, emptied, in CSS pixels. */
export function prepared(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = window.devicePixelRatio;
  const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
  // Setting a size, even the same one, makes the browser take new memory.
  if (canvas.width !== columns) canvas.width = columns;
  if (canvas.height !== rows) canvas.height = rows;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const ctx = canvas.getContext("2d");
  ctx?.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx?.clearRect(0, 0, width, height);
  return ctx;
}

/** Where the plot lies on the canvas, in CSS pixels. */
export interface Plot {
  left: number;
  width: number;
  height: number;
}

/** Borders of lines and columns in CSS pixels of the plot, and the colour index of each cell between them. */
export interface Cells {
  indexes: Uint8Array;
  across: Float64Array;
  down: Float64Array;
  /** Stretches of the plot in which records are missing. */
  holes: readonly (readonly [number, number])[];
}

export function drawCells(
  ctx: CanvasRenderingContext2D,
  { indexes, across, down, holes }: Cells,
  plot: Plot,
  isDiverging: boolean,
): void {
  const ratio = window.devicePixelRatio;
  const [width, height] = [plot.width, plot.height].map(size => Math.max(1, Math.round(size * ratio))) as [
    number,
    number,
  ];
  const scaled = (edges: Float64Array) => edges.map(edge => edge * ratio);
  const pixels = raster(indexes, scaled(across), scaled(down), width, height);
  const image = new ImageData(paint(pixels, width, isDiverging, Math.round(6 * ratio)), width, height);
  ctx.putImageData(image, Math.round(plot.left * ratio), 0);
  for (const [from, to] of holes) {
    const start = Math.max(0, from);
    ctx.clearRect(plot.left + start, 0, Math.max(0, Math.min(plot.width, to) - start), plot.height);
  }
  ctx.strokeStyle = colour("--grid");
  ctx.strokeRect(plot.left - 0.5, 0.5, plot.width + 1, plot.height - 0.5);
}

/** Which lines have room for their name: modules and the selected row first, then whatever fits between. */
export function namedLines(
  lines: readonly TreeLine[],
  down: Float64Array,
  height: number,
  selected: string | null,
): number[] {
  const taken = new Set<number>();
  const named: number[] = [];
  const middle = (i: number) => ((down[i] ?? 0) + (down[i + 1] ?? 0)) / 2;
  const isFirst = (line: TreeLine) => line.isGroup || line.name === selected;
  for (const isFirstRound of [true, false]) {
    lines.forEach((line, i) => {
      const y = middle(i);
      const slot = Math.floor(y / LABEL_HEIGHT);
      if (isFirst(line) !== isFirstRound || y < LABEL_HEIGHT / 2 || y > height - LABEL_HEIGHT / 2 || taken.has(slot))
        return;
      if (named.some(other => Math.abs(middle(other) - y) < LABEL_HEIGHT - 1)) return;
      taken.add(slot);
      named.push(i);
    });
  }
  return named;
}

/** CSS pixels from the canvas's left edge to a line's name, after the button that opens a module. */
export function labelLeft(line: TreeLine): number {
  return TOGGLE + INDENT * line.depth;
}

export function drawNames(
  ctx: CanvasRenderingContext2D,
  lines: readonly TreeLine[],
  named: readonly number[],
  down: Float64Array,
  plot: Plot,
  selected: string | null,
  isMarked: (line: TreeLine) => boolean,
): void {
  const { fontFamily } = getComputedStyle(document.body);
  const isTree = lines.some(({ isGroup }) => isGroup);
  ctx.textAlign = isTree ? "left" : "right";
  ctx.textBaseline = "middle";
  for (const i of named) {
    const line = lines[i];
    if (!line) continue;
    const isBold = line.isGroup || line.name === selected;
    ctx.font = `${isBold ? 600 : 400} 11px ${fontFamily}`;
    ctx.fillStyle = colour(isBold || isMarked(line) ? "--ink" : "--muted");
    const from = isTree ? labelLeft(line) : plot.left - 16;
    const room = isTree ? plot.left - 14 - from : plot.left - 28;
    ctx.fillText(elided(ctx, line.label, room), from, ((down[i] ?? 0) + (down[i + 1] ?? 0)) / 2);
  }
  ctx.fillStyle = colour("--warning");
  lines.forEach((line, i) => {
    const top = down[i] ?? 0;
    const size = (down[i + 1] ?? 0) - top;
    if (top + size > 0 && top < plot.height && isMarked(line))
      ctx.fillRect(plot.left - 8, top + size / 20, 3, Math.max(1, 0.9 * size));
  });
}

/** Cut in the middle: layer names differ at both ends. */
function elided(ctx: CanvasRenderingContext2D, text: string, room: number): string {
  if (ctx.measureText(text).width <= room) return text;
  const all = characters(text);
  let kept = all.length;
  let short = text;
  while (kept > 4 && ctx.measureText(short).width > room) {
    kept -= 2;
    short = cut(all, kept);
  }
  return short;
}

export function drawSteps(ctx: CanvasRenderingContext2D, plot: Plot, axis: StepAxis, unit: string): void {
  const { fontFamily } = getComputedStyle(document.body);
  ctx.font = `11px ${fontFamily}`;
  ctx.fillStyle = colour("--muted");
  ctx.strokeStyle = colour("--grid");
  ctx.textBaseline = "top";
  ctx.textAlign = "right";
  ctx.fillText(unit, plot.left - 12, plot.height + 8);
  ctx.textAlign = "center";
  for (const step of stepTicks(axis, plot.width / 90)) {
    const x = plot.left + placeOf(step, axis) * plot.width;
    ctx.beginPath();
    ctx.moveTo(x, plot.height);
    ctx.lineTo(x, plot.height + 4);
    ctx.stroke();
    ctx.fillText(integer(step), x, plot.height + 8);
  }
}
