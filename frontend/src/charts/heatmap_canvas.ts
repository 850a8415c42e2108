// How is a heatmap painted: the cells, the names of the rows, the step axis?

import { integer } from "../format.ts";
import type { LayerRow } from "../wire.ts";
import { colour } from "./colours.ts";
import { paint } from "./palette.ts";
import { raster } from "./raster.ts";
import { linearTicks } from "./ticks.ts";

const LABEL_HEIGHT = 13;

/** The canvas sized for the screen's pixels, emptied, in CSS pixels. */
export function prepared(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = window.devicePixelRatio;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const ctx = canvas.getContext("2d");
  ctx?.scale(ratio, ratio);
  return ctx;
}

export function drawCells(
  ctx: CanvasRenderingContext2D,
  indexes: Uint8Array,
  across: Float64Array,
  down: Float64Array,
  left: number,
  plotWidth: number,
  plotHeight: number,
  isDiverging: boolean,
): void {
  const ratio = window.devicePixelRatio;
  const width = Math.max(1, Math.round(plotWidth * ratio));
  const height = Math.max(1, Math.round(plotHeight * ratio));
  const scaled = (edges: Float64Array) => edges.map(edge => edge * ratio);
  const pixels = raster(indexes, scaled(across), scaled(down), width, height);
  const image = new ImageData(paint(pixels, width, isDiverging, Math.round(6 * ratio)), width, height);
  ctx.putImageData(image, Math.round(left * ratio), 0);
  ctx.strokeStyle = colour("--grid");
  ctx.strokeRect(left - 0.5, 0.5, plotWidth + 1, plotHeight - 0.5);
}

export function drawRows(
  ctx: CanvasRenderingContext2D,
  rows: readonly LayerRow[],
  down: Float64Array,
  left: number,
  selected: string | null,
  isMarked: (row: LayerRow) => boolean,
): void {
  const height = down[1] ?? LABEL_HEIGHT;
  const stride = Math.max(1, Math.ceil(LABEL_HEIGHT / height));
  const { fontFamily } = getComputedStyle(document.body);
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  rows.forEach((row, i) => {
    const isSelected = row.name === selected;
    const isNamed = isMarked(row);
    if (i % stride && !isSelected) return;
    const y = ((down[i] ?? 0) + (down[i + 1] ?? 0)) / 2;
    ctx.font = `${isSelected ? 700 : 400} 11px ${fontFamily}`;
    ctx.fillStyle = colour(isSelected || isNamed ? "--ink" : "--muted");
    ctx.fillText(elided(ctx, row.name, left - 28), left - 16, y);
    if (!isNamed) return;
    ctx.fillStyle = colour("--warning");
    ctx.fillRect(left - 8, (down[i] ?? 0) + 1, 3, Math.max(1, height - 2));
  });
}

/** Cut in the middle: layer names differ at both ends. */
function elided(ctx: CanvasRenderingContext2D, text: string, room: number): string {
  if (ctx.measureText(text).width <= room) return text;
  let kept = text.length;
  let short = text;
  while (kept > 4 && ctx.measureText(short).width > room) {
    kept -= 2;
    short = `${text.slice(0, kept / 2)}…${text.slice(text.length - kept / 2)}`;
  }
  return short;
}

export function drawSteps(
  ctx: CanvasRenderingContext2D,
  left: number,
  plotWidth: number,
  plotHeight: number,
  from: number,
  to: number,
  unit: string,
): void {
  const { fontFamily } = getComputedStyle(document.body);
  ctx.font = `11px ${fontFamily}`;
  ctx.fillStyle = colour("--muted");
  ctx.strokeStyle = colour("--grid");
  ctx.textBaseline = "top";
  ctx.textAlign = "right";
  ctx.fillText(unit, left - 12, plotHeight + 8);
  ctx.textAlign = "center";
  for (const step of linearTicks(from, to, plotWidth / 90)) {
    if (!Number.isInteger(step)) continue;
    const x = left + ((step - from) / Math.max(1, to - from)) * plotWidth;
    ctx.beginPath();
    ctx.moveTo(x, plotHeight);
    ctx.lineTo(x, plotHeight + 4);
    ctx.stroke();
    ctx.fillText(integer(step), x, plotHeight + 8);
  }
}
