// What is drawn on a chart besides its lines: finding spans, the reference line, and marks for values off the axis.

import type uPlot from "uplot";
import { number } from "../format.ts";
import type { Steps } from "../wire.ts";
import type { Mark } from "./align.ts";
import { colour } from "./colours.ts";

/** Where a finding acted. tone: the suffix of its custom properties in theme.css. */
export interface Span {
  label: string;
  steps: Steps;
  tone: string;
}

/** A horizontal line to compare with. */
export interface Reference {
  value: number;
  label: string;
}

/** CSS pixels of one finding's lane above the plot. */
export const LANE_HEIGHT = 19;
const BAR = 3;

/** CSS pixels within which marks of one kind share a label. */
const MARK_ROOM = 40;

/** CSS pixels between the marks of one line and of the next. */
const MARK_HEIGHT = 14;

function extent(chart: uPlot, [first, last]: Steps): { from: number; to: number } {
  const { left, width } = chart.bbox;
  const clamp = (x: number) => Math.max(left, Math.min(left + width, x));
  const from = clamp(chart.valToPos(first, "x", true));
  return { from, to: Math.max(clamp(chart.valToPos(last, "x", true)), Math.min(left + width, from + 2)) };
}

function ratio(chart: uPlot): number {
  return chart.ctx.canvas.width / chart.width;
}

/** Behind the lines: the first finding's span, faint, unless that is all there is; and where each finding begins. */
export function shadeSpans(chart: uPlot, spans: readonly Span[]): void {
  const { ctx, bbox } = chart;
  const scale = ratio(chart);
  ctx.save();
  ctx.lineWidth = scale;
  ctx.setLineDash([scale, 3 * scale]);
  spans.forEach((span, rank) => {
    const { from, to } = extent(chart, span.steps);
    ctx.strokeStyle = colour(`--${span.tone}`);
    ctx.fillStyle = colour(`--shade-${span.tone}`);
    const isAll = from <= bbox.left && to >= bbox.left + bbox.width;
    if (rank === 0 && !isAll) ctx.fillRect(from, bbox.top, to - from, bbox.height);
    ctx.beginPath();
    ctx.moveTo(from, bbox.top);
    ctx.lineTo(from, bbox.top + bbox.height);
    ctx.stroke();
  });
  ctx.restore();
}

/** Above the plot: one labelled bar per finding. */
export function drawLanes(chart: uPlot, spans: readonly Span[]): void {
  const { ctx, bbox } = chart;
  const scale = ratio(chart);
  ctx.save();
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "left";
  ctx.font = font(scale);
  spans.forEach((span, lane) => {
    const { from, to } = extent(chart, span.steps);
    const bottom = bbox.top - (spans.length - 1 - lane) * LANE_HEIGHT * scale - 3 * scale;
    ctx.fillStyle = colour(`--${span.tone}`);
    ctx.fillRect(from, bottom - BAR * scale, to - from, BAR * scale);
    const room = bbox.left + bbox.width - from;
    const width = ctx.measureText(span.label).width;
    ctx.fillText(span.label, width > room ? bbox.left + bbox.width - width : from, bottom - (BAR + 4) * scale);
  });
  ctx.restore();
}

/** A dashed line across the plot with its meaning written on it. */
export function drawReference(chart: uPlot, reference: Reference): void {
  const { ctx, bbox } = chart;
  const scale = ratio(chart);
  const y = chart.valToPos(reference.value, "y", true);
  if (!(y >= bbox.top && y <= bbox.top + bbox.height)) return;
  ctx.save();
  ctx.strokeStyle = colour("--reference");
  ctx.lineWidth = 1.25 * scale;
  ctx.setLineDash([2 * scale, 4 * scale]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = font(scale);
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "right";
  const text = `${reference.label} ${number(reference.value)}`;
  const isLow = y > bbox.top + bbox.height - 20 * scale;
  const baseline = isLow ? y - 5 * scale : y + 13 * scale;
  const right = bbox.left + bbox.width - 4 * scale;
  const width = ctx.measureText(text).width;
  ctx.fillStyle = colour("--veil");
  ctx.fillRect(right - width - 3 * scale, baseline - 11 * scale, width + 6 * scale, 14 * scale);
  ctx.fillStyle = colour("--reference");
  ctx.fillText(text, right, baseline);
  ctx.restore();
}

/** Values that have no place on the axis, along the edge they left by: a cross, its text, and a bar while they last. */
export function drawMarks(chart: uPlot, marks: readonly Mark[], colours: readonly string[]): void {
  const { ctx, bbox } = chart;
  const scale = ratio(chart);
  ctx.save();
  ctx.font = font(scale, 600);
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  ctx.lineWidth = 1.5 * scale;
  const lanes = [...new Set(marks.map(({ line }) => line))];
  for (const { mark, from, to } of joined(chart, marks)) {
    const isTop = mark.edge === "top";
    const inset = (7 + MARK_HEIGHT * lanes.indexOf(mark.line)) * scale;
    const y = isTop ? bbox.top + inset : bbox.top + bbox.height - inset;
    const arm = 3.5 * scale;
    ctx.strokeStyle = colours[mark.line] ?? colour("--ink");
    ctx.fillStyle = ctx.strokeStyle;
    ctx.beginPath();
    ctx.moveTo(from - arm, y - arm);
    ctx.lineTo(from + arm, y + arm);
    ctx.moveTo(from - arm, y + arm);
    ctx.lineTo(from + arm, y - arm);
    ctx.stroke();
    const textWidth = ctx.measureText(mark.text).width;
    const isBeside = from + 8 * scale + textWidth < bbox.left + bbox.width;
    ctx.fillText(mark.text, isBeside ? from + 7 * scale : from - 7 * scale - textWidth, y);
    const barFrom = from + 11 * scale + textWidth;
    if (isBeside && to > barFrom) ctx.fillRect(barFrom, y - scale, to - barFrom, 2 * scale);
  }
  ctx.restore();
}

interface MarkRun {
  mark: Mark;
  point: number;
  from: number;
  to: number;
}

/** Marks of one kind in a row, or closer than a label's width, become one. Pixels. */
function joined(chart: uPlot, marks: readonly Mark[]): MarkRun[] {
  const { min, max } = chart.scales.x ?? {};
  const runs: MarkRun[] = [];
  for (const mark of marks) {
    if (mark.step < (min ?? 0) || mark.step > (max ?? 0)) continue;
    const x = chart.valToPos(mark.step, "x", true);
    const last = runs.at(-1);
    const isSame = last && last.mark.text === mark.text && last.mark.line === mark.line;
    if (isSame && (mark.point === last.point + 1 || x - last.to < MARK_ROOM * ratio(chart))) {
      last.to = x;
      last.point = mark.point;
    } else runs.push({ mark, point: mark.point, from: x, to: x });
  }
  return runs;
}

/** Left of the step axis: what it counts. */
export function drawStepUnit(chart: uPlot, unit: string): void {
  const { ctx, bbox } = chart;
  const scale = ratio(chart);
  ctx.save();
  ctx.font = font(scale);
  ctx.textAlign = "right";
  ctx.textBaseline = "top";
  ctx.fillStyle = colour("--muted");
  ctx.fillText(unit, bbox.left - 12 * scale, bbox.top + bbox.height + 9 * scale);
  ctx.restore();
}

function font(scale: number, weight = 400): string {
  return `${weight} ${11 * scale}px ${getComputedStyle(document.body).fontFamily}`;
}
