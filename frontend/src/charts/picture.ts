// What does a chart look like in a file of its own? Its canvas with a title and its lines' names, on the page's ground.

import { measured, number } from "../format.ts";
import type { Statistic } from "../wire.ts";
import type { Line } from "./align.ts";
import { barValue, type ColourScale, rampPlace } from "./colour_scale.ts";
import { colour } from "./colours.ts";
import { rampColour } from "./palette.ts";

const MARGIN = 14;
const HEAD = 44;
const RAMP = 200;

/** A chart of lines. canvas: as uPlot drew it, in device pixels. */
export function chartPicture(
  canvas: HTMLCanvasElement,
  title: string,
  lines: readonly Line[],
  unit: string,
): HTMLCanvasElement {
  return framed(canvas, title, (ctx, y) => {
    let x = MARGIN;
    for (const line of lines) {
      ctx.strokeStyle = colour(line.colour);
      ctx.lineWidth = 2;
      ctx.setLineDash(line.dash);
      ctx.beginPath();
      ctx.moveTo(x, y);
      ctx.lineTo(x + 18, y);
      ctx.stroke();
      const text = `${line.label} (${number(line.values.at(-1))} at ${unit} ${number(line.steps.at(-1))})`;
      ctx.fillText(text, x + 24, y + 4);
      x += 44 + ctx.measureText(text).width;
    }
  });
}

/** A canvas under a title and a line of explanation, whose middle is at y. */
export function framed(
  canvas: HTMLCanvasElement,
  title: string,
  explain: (ctx: CanvasRenderingContext2D, y: number) => void,
): HTMLCanvasElement {
  const ratio = window.devicePixelRatio;
  const picture = document.createElement("canvas");
  picture.width = canvas.width + 2 * MARGIN * ratio;
  picture.height = canvas.height + (HEAD + 2 * MARGIN) * ratio;
  const ctx = picture.getContext("2d");
  if (!ctx) return picture;
  const { fontFamily } = getComputedStyle(document.body);
  ctx.fillStyle = colour("--panel");
  ctx.fillRect(0, 0, picture.width, picture.height);
  ctx.drawImage(canvas, MARGIN * ratio, (HEAD + MARGIN) * ratio);
  ctx.scale(ratio, ratio);
  ctx.fillStyle = colour("--ink");
  ctx.font = `600 14px ${fontFamily}`;
  ctx.fillText(title, MARGIN, MARGIN + 12);
  ctx.font = `12px ${fontFamily}`;
  explain(ctx, MARGIN + 32);
  return picture;
}

/** The heatmap. canvas: as it stands on the page, in device pixels. */
export function heatmapPicture(
  canvas: HTMLCanvasElement,
  title: string,
  scale: ColourScale,
  statistic: Statistic,
): HTMLCanvasElement {
  const isDiverging = scale.centre !== null;
  return framed(canvas, title, (ctx, y) => {
    for (let x = 0; x < RAMP; x++) {
      ctx.fillStyle = rampColour(rampPlace(barValue(x / RAMP, scale), scale), isDiverging);
      ctx.fillRect(MARGIN + x, y - 6, 1, 12);
    }
    const [low, high] = [scale.low, scale.high].map(end => measured(end, statistic.scale));
    ctx.fillStyle = colour("--ink");
    ctx.fillText(`${low} to ${high} ${statistic.unit}`, MARGIN + RAMP + 10, y + 4);
  });
}
