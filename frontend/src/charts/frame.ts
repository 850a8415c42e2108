// How wide is what? All charts put step s at the same pixel, so that a finding lines up from chart to chart.

/** Left of every plot: the legend's column and the axis labels. Narrow frames stack the legend on top instead. */
const LEGEND = 168;
const AXIS = 56;
const ROW_NAMES = 130;
const NARROW = 620;

/** Right of every plot: room for half a tick label. */
export const RIGHT = 20;

function isNarrow(width: number): boolean {
  return width < NARROW;
}

/** Pixels from the chart's left edge to the plot. */
export function plotLeft(width: number): number {
  return isNarrow(width) ? AXIS : LEGEND + AXIS;
}

/** The same for a heatmap, whose row names need room in a narrow frame too. */
export function heatmapLeft(width: number): number {
  return Math.max(plotLeft(width), ROW_NAMES);
}

/** Pixels of the legend's column; 0 when it is stacked on top. */
export function legendWidth(width: number): number {
  return isNarrow(width) ? 0 : LEGEND;
}

export const AXIS_WIDTH = AXIS;
