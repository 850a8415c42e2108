// How is the backend asked? One function per route; a refusal carries the server's own words.

import { type Comparison, decodeComparison } from "./comparison.ts";
import {
  decodeHistograms,
  decodeLayerCharts,
  decodeLayers,
  decodeMatrix,
  decodeReport,
  decodeRuns,
  decodeSeries,
} from "./decode.ts";
import { decodeSetup, type Setup } from "./setup.ts";
import type {
  LayerCharts,
  LayersAnswer,
  Matrix,
  Report,
  RowHistograms,
  RunSummary,
  SeriesAnswer,
  Steps,
} from "./wire.ts";

/** Columns asked of a heatmap: about one per pixel of a wide screen; the drawing merges further by maximum. */
const MATRIX_WIDTH = 1000;

type Query = Record<string, string> | [string, string][];

/** The backend refused or could not be reached. status: HTTP status, 0 when there was no answer at all. */
export class BackendError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Relative on purpose: TensorBoard's entry page sets the base, with its --path_prefix. */
export function answerUrl(route: string, query: Query): string {
  const search = new URLSearchParams(query).toString();
  return search ? `${route}?${search}` : route;
}

async function get(route: string, query: Query, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(answerUrl(route, query), { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new BackendError(0, "TensorBoard does not answer. Is it still running?");
  }
  if (response.ok) return response;
  const isText = response.headers.get("content-type")?.startsWith("text/plain");
  const words = isText ? (await response.text()).trim() : "";
  throw new BackendError(response.status, words || `TensorBoard answered ${response.status} to ${route}.`);
}

/** first: the run whose verdict is wanted before the others'. */
export async function fetchRuns(first: string | null, signal: AbortSignal): Promise<RunSummary[]> {
  return decodeRuns(await (await get("runs", first === null ? {} : { run: first }, signal)).json());
}

export async function fetchReport(run: string, signal: AbortSignal): Promise<Report> {
  return decodeReport(await (await get("report", { run }, signal)).json());
}

export async function fetchMarkdown(run: string): Promise<string> {
  return (await get("report.md", { run }, new AbortController().signal)).text();
}

/** window: only these steps, merged anew; null for all of them. */
export async function fetchSeries(run: string, window: Steps | null, signal: AbortSignal): Promise<SeriesAnswer> {
  return decodeSeries(await (await get("series", { run, ...ends(window) }, signal)).json());
}

export async function fetchLayers(run: string, signal: AbortSignal): Promise<LayersAnswer> {
  return decodeLayers(await (await get("layers", { run }, signal)).json());
}

export async function fetchSetup(run: string, signal: AbortSignal): Promise<Setup> {
  return decodeSetup(await (await get("setup", { run }, signal)).json());
}

export async function fetchLayer(
  run: string,
  layer: string,
  window: Steps | null,
  signal: AbortSignal,
): Promise<LayerCharts> {
  return decodeLayerCharts(await (await get("layer", { run, layer, ...ends(window) }, signal)).json());
}

/** row: the index of a row of the layers answer. */
export async function fetchHistograms(run: string, row: number, signal: AbortSignal): Promise<RowHistograms> {
  return decodeHistograms(await (await get("histograms", { run, row: String(row) }, signal)).json());
}

export async function fetchMatrix(
  run: string,
  statistic: string,
  window: Steps | null,
  signal: AbortSignal,
): Promise<Matrix> {
  const response = await get("matrix", { run, statistic, width: String(MATRIX_WIDTH), ...ends(window) }, signal);
  return decodeMatrix(await response.arrayBuffer());
}

function ends(window: Steps | null): Record<string, string> {
  return window ? { first: String(window[0]), last: String(window[1]) } : {};
}

/** runs: the baseline and the others. */
export async function fetchComparison(runs: readonly string[], signal: AbortSignal): Promise<Comparison> {
  return decodeComparison(await (await get("compare", named(runs), signal)).json());
}

/** runs: the baseline and the other one. */
export async function fetchDifference(
  runs: readonly string[],
  statistic: string,
  signal: AbortSignal,
): Promise<Matrix> {
  const query: Query = [...named(runs), ["statistic", statistic], ["width", String(MATRIX_WIDTH)]];
  return decodeMatrix(await (await get("difference", query, signal)).arrayBuffer());
}

function named(runs: readonly string[]): [string, string][] {
  return runs.map(run => ["run", run]);
}
