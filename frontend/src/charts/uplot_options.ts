// How does uPlot draw one of our charts: its axes, its lines, and what happens when the pointer moves or drags?

import type uPlot from "uplot";
import { number } from "../format.ts";
import { cursorStep, showSteps, stepUnit, stepWindow } from "../state.ts";
import type { Steps } from "../wire.ts";
import type { Aligned, Line } from "./align.ts";
import { colour } from "./colours.ts";
import { AXIS_WIDTH, legendWidth, RIGHT } from "./frame.ts";
import {
  drawLanes,
  drawMarks,
  drawReference,
  drawStepUnit,
  LANE_HEIGHT,
  type Reference,
  type Span,
  shadeSpans,
} from "./overlays.ts";
import { stepTicks } from "./step_axis.ts";
import { linearTicks, logTicks } from "./ticks.ts";

/** What changes while a chart lives; read again at every drawing. */
export interface Shown {
  aligned: Aligned;
  /** Per line, the last step before each hole and the first one after it. */
  gaps: readonly (readonly Steps[])[];
  spans: readonly Span[];
  hasLanes: boolean;
  reference: Reference | null;
}

/** Lines with fewer points than this show each of them. */
const FEW_POINTS = 60;

export function options(
  width: number,
  height: number,
  { isLog, isLogSteps }: { isLog: boolean; isLogSteps: boolean },
  lines: readonly Line[],
  shown: { readonly current: Shown },
): uPlot.Options {
  const line = { stroke: colour("--grid"), width: 1 };
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: colour("--muted"), grid: line, ticks: { ...line, size: 4 }, font, gap: 4 };
  const values = (_: uPlot, ticks: number[]) => ticks.map(number);
  const ticksOfSteps = (_: uPlot, __: number, low: number, high: number) =>
    stepTicks({ from: low, to: high, isLog: isLogSteps }, width / 130);
  const valueTicks = (_: uPlot, __: number, low: number, high: number) =>
    (isLog ? logTicks : linearTicks)(low, high, height / 40);
  const { bands } = shown.current.aligned;
  return {
    width: width - legendWidth(width),
    height,
    padding: [8 + (shown.current.hasLanes ? LANE_HEIGHT * shown.current.spans.length : 0), RIGHT, 0, 0],
    legend: { show: false },
    cursor: {
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
      y: false,
      bind: { dblclick: () => showAll },
    },
    scales: {
      // Inverse hyperbolic sine, as step_axis.ts has it.
      x: { time: false, auto: false, distr: isLogSteps ? 4 : 1, asinh: 1, range: (_, low, high) => [low, high] },
      y: {
        distr: isLog ? 3 : 1,
        range: (_, low, high) => valueRange(low, high, shown.current.reference, isLog),
      },
    },
    axes: [
      { ...axis, size: 28, splits: ticksOfSteps, values, filter: (_, ticks) => ticks },
      { ...axis, size: AXIS_WIDTH, splits: valueTicks, values, filter: (_, ticks) => ticks },
    ],
    series: [
      {},
      ...lines.map((line, i) => stroke(line, i, shown)),
      ...bands.flatMap(({ line }) => [bound(line, shown), bound(line, shown)]),
    ],
    bands: bands.map(({ line, high, low }) => ({
      series: [high, low],
      fill: `color-mix(in srgb, ${colour(lines[line]?.colour ?? "--ink")} 22%, transparent)`,
    })),
    hooks: {
      drawAxes: [chart => shadeSpans(chart, shown.current.spans)],
      draw: [chart => drawOver(chart, lines, shown.current)],
      setCursor: [follow],
      setSelect: [zoom],
    },
  };
}

function stroke(line: Line, index: number, shown: { readonly current: Shown }): uPlot.Series {
  return {
    ...bound(index, shown),
    label: line.label,
    stroke: colour(line.colour),
    width: 1.5,
    dash: line.dash,
    points: { show: line.steps.length <= FEW_POINTS, size: 4, fill: colour(line.colour) },
  };
}

/** A border of a line's band: broken where the line is, and not drawn itself. */
function bound(line: number, shown: { readonly current: Shown }): uPlot.Series {
  return {
    width: 0,
    points: { show: false },
    gaps: (chart, _, __, ___, empty) => [...empty, ...holes(chart, line, shown.current)].sort((a, b) => a[0] - b[0]),
  };
}

/** Pixels from one record to the next where records between them are missing. */
function holes(chart: uPlot, index: number, { gaps }: Shown): [number, number][] {
  const pixel = (step: number) => chart.valToPos(step, "x", true);
  return (gaps[index] ?? []).map(([from, to]) => [pixel(from), pixel(to)]);
}

/** The y range with some air, wide enough for the reference line. */
function valueRange(
  low: number | null,
  high: number | null,
  reference: Reference | null,
  isLog: boolean,
): [number, number] {
  const ends = [low, high, reference?.value].filter(
    (end): end is number => end != null && Number.isFinite(end) && (!isLog || end > 0),
  );
  if (!ends.length) return isLog ? [0.1, 1] : [0, 1];
  const least = Math.min(...ends);
  const most = Math.max(...ends);
  if (isLog) return [least / 1.4, most * 1.4];
  const air = 0.06 * (most - least || Math.abs(most) || 1);
  // What is never negative does not look as if it could be.
  return [least >= 0 ? Math.max(0, least - air) : least - air, most + air];
}

function drawOver(chart: uPlot, lines: readonly Line[], { aligned, spans, hasLanes, reference }: Shown): void {
  if (reference) drawReference(chart, reference);
  const colours = lines.map(line => colour(line.colour));
  drawMarks(chart, aligned.marks, colours);
  if (hasLanes) drawLanes(chart, spans);
  drawStepUnit(chart, stepUnit.peek());
}

/** A moved pointer moves the cursor of every chart. */
function follow(chart: uPlot): void {
  const { left = -1 } = chart.cursor;
  cursorStep.value = left < 0 ? null : Math.round(chart.posToVal(left, "x"));
}

/** A double click shows every step again. */
function showAll(): null {
  stepWindow.value = null;
  return null;
}

/** A dragged span becomes the step window of every chart. */
function zoom(chart: uPlot): void {
  const { left, width } = chart.select;
  if (width < 2) return;
  const [first, last] = [chart.posToVal(left, "x"), chart.posToVal(left + width, "x")];
  chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  showSteps(first, last);
}
