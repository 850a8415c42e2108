// How is a distribution painted: the shares, what is exactly zero set apart, and both axes?

import { number } from "../format.ts";
import type { Tick } from "./buckets.ts";
import { type Cells, drawCells, drawSteps, type Plot, prepared } from "./heatmap_canvas.ts";
import type { StepAxis } from "./step_axis.ts";

/** CSS pixels left empty on both sides of what is exactly zero. */
const APART = 2;

const TICK = 4;

interface Painted {
  cells: Cells;
  plot: Plot;
  axis: StepAxis;
  unit: string;
  ticks: readonly Tick[];
  /** The row of what is exactly zero; -1 without one. */
  zero: number;
}

export function drawDistribution(
  canvas: HTMLCanvasElement,
  { cells, plot, axis, unit, ticks, zero }: Painted,
  width: number,
  height: number,
): void {
  const ctx = prepared(canvas, width, height);
  if (!ctx) return;
  drawCells(ctx, cells, plot, false);
  const borders = zero < 0 ? [] : [cells.down[zero] ?? 0, (cells.down[zero + 1] ?? 0) - APART];
  for (const top of borders) {
    ctx.clearRect(plot.left, top, plot.width, APART);
  }
  drawSteps(ctx, plot, axis, unit);
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (const { value, y } of ticks) {
    ctx.beginPath();
    ctx.moveTo(plot.left - TICK, y);
    ctx.lineTo(plot.left, y);
    ctx.stroke();
    ctx.fillText(number(value).replaceAll("-", "−"), plot.left - 2 * TICK, Math.max(6, y));
  }
}
