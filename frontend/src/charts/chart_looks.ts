// How does the reader want each chart: as a table, with a logarithmic or a linear axis? By the chart's id, for every run.

import { signal } from "@preact/signals";

/** Ids of the charts the reader changed; all others are as they are at first. */
export interface ChartLooks {
  tables?: readonly string[];
  logs?: readonly string[];
  linears?: readonly string[];
}

export const chartLooks = signal<ChartLooks>({});

export function isTable(chart: string): boolean {
  return has(chartLooks.value.tables, chart);
}

export function toggleTable(chart: string): void {
  change({ tables: changed(chartLooks.value.tables, chart, !isTable(chart)) });
}

export function isLog(chart: string, atFirst: boolean): boolean {
  const { logs, linears } = chartLooks.value;
  return has(logs, chart) || (atFirst && !has(linears, chart));
}

export function setLog(chart: string, log: boolean): void {
  const { logs, linears } = chartLooks.value;
  change({ logs: changed(logs, chart, log), linears: changed(linears, chart, !log) });
}

function has(charts: readonly string[] = [], chart: string): boolean {
  return charts.includes(chart);
}

function changed(charts: readonly string[] = [], chart: string, isIn: boolean): readonly string[] {
  const others = charts.filter(other => other !== chart);
  return isIn ? [...others, chart] : others;
}

/** Empty lists go, so that they are in no link. */
function change(looks: ChartLooks): void {
  const entries = Object.entries({ ...chartLooks.value, ...looks });
  chartLooks.value = Object.fromEntries(entries.filter(([, charts]) => charts?.length));
}
