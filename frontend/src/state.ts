// What is on the page: which run, which statistic, which layer, which steps, and the newest answers about them?

import { batch, computed, effect, signal } from "@preact/signals";
import { fetchLayers, fetchMatrix, fetchReport, fetchRuns, fetchSeries, fetchSetup } from "./api.ts";
import { chartLooks } from "./charts/chart_looks.ts";
import type { ModuleChoice } from "./charts/module_choice.ts";
import { zoomed } from "./charts/step_axis.ts";
import type { Place } from "./hash.ts";
import { follow, link, readPlace, visible, writePlace } from "./host.ts";
import { muted } from "./mute.ts";
import { Resource } from "./resource.ts";
import type { Setup } from "./setup.ts";
import type { Order } from "./views/sorted_rows.ts";
import {
  isPending,
  type LayersAnswer,
  type Matrix,
  type Report,
  type RunSummary,
  type SeriesAnswer,
  type Steps,
} from "./wire.ts";

const POLL_MS = 5000;

/** Verdicts that are being made arrive by the dozen. */
const POLL_PENDING_MS = 1000;

/** How long a change of the view waits to get into the address: browsers refuse a new one at every turn of a wheel. */
const REMEMBER_MS = 250;

export const runs = new Resource<RunSummary[]>();
export const report = new Resource<Report>();
export const series = new Resource<SeriesAnswer>();
export const layers = new Resource<LayersAnswer>();
export const matrix = new Resource<Matrix>();
export const setup = new Resource<Setup>();

export const selectedRun = signal<string | null>(null);
export const selectedRow = signal<string | null>(null);

/** The runs beside the selected one, which is their baseline; none outside of a comparison. */
export const comparedRuns = signal<readonly string[]>([]);

/** Which of the other runs' layers are set against the baseline's; null while it is the first. */
export const differenceRun = signal<string | null>(null);

/** First and last step of the curves beside the selected run's. */
export const besideSteps = signal<Steps | null>(null);

/** The zoomed part of the step axis that all charts share; null shows everything. */
export const stepWindow = signal<Steps | null>(null);

/** The steps of the finding under the pointer or in focus; every chart lights them. */
export const highlightedSpan = signal<Steps | null>(null);

/** What is searched for in heatmap and table. */
export const layerSearch = signal("");

/** Modules of the heatmap the reader has opened and closed; null as long as he has left them as they were. */
export const moduleChoice = signal<ModuleChoice | null>(null);

/** Of the layer table; null is the order of the data flow. */
export const layerOrder = signal<Order | null>(null);

/** What is searched for among the runs. */
export const runSearch = signal("");

/** The zoomed part of the heatmap's lines, [first, end); null shows all of them. */
export const lineWindow = signal<readonly [number, number] | null>(null);

/** Whether all charts space the steps by their order of magnitude. */
export const logSteps = signal(false);

/** Ids of the findings whose cards are open; null while the reader left it to the tab, which opens the first. */
export const openFindings = signal<readonly string[] | null>(null);

/** The step under the pointer or the keyboard cursor, in whichever chart it is. */
export const cursorStep = signal<number | null>(null);

const chosenStatistic = signal<string | null>(null);

/** The statistic in the heatmap: the chosen one where this run has it, else the run's first. */
export const statistic = computed(() => {
  const known = layers.value.value?.statistics ?? [];
  return known.find(({ id }) => id === chosenStatistic.value) ?? known[0] ?? null;
});

export const stepUnit = computed(() => series.value.value?.stepUnit ?? "step");

/** First and last step that any chart of this run shows. */
export const stepExtent = computed<Steps>(() => {
  const table = layers.value.value?.steps;
  const ends = (series.value.value?.series ?? []).flatMap(({ steps }) => [steps[0] ?? 0, steps.at(-1) ?? 0]);
  if (table?.shown) ends.push(table.first, table.last);
  if (besideSteps.value) ends.push(...besideSteps.value);
  return ends.length ? [Math.min(...ends), Math.max(...ends)] : [0, 1];
});

export function selectRun(name: string): void {
  showRun(name);
  rememberPlace();
}

function showRun(name: string): void {
  if (name === selectedRun.value) return;
  batch(() => {
    selectedRun.value = name;
    selectedRow.value = null;
    stepWindow.value = null;
    highlightedSpan.value = null;
    openFindings.value = null;
    cursorStep.value = null;
    layerSearch.value = "";
    moduleChoice.value = null;
    lineWindow.value = null;
  });
  const known = runs.value.peek()?.find(run => run.name === name);
  // A link's run waits for the list: it may not be written yet.
  if (known) void loadRun(known);
}

export function selectStatistic(id: string): void {
  chosenStatistic.value = id;
  rememberPlace();
}

export function selectRow(name: string | null): void {
  selectedRow.value = name;
  rememberPlace();
}

/** Zooms the step axis around a step: the window shrinks by the factor, or grows up to everything. */
export function zoomAround(step: number, factor: number): void {
  const [from, to] = stepWindow.value ?? stepExtent.value;
  const half = Math.max(1, (to - from) / 2 / factor);
  showSteps(step - half, step + half);
}

/** Zooms the step axis by a factor and keeps one step where it is. */
export function zoomAt(step: number, factor: number): void {
  const [from, to] = stepWindow.value ?? stepExtent.value;
  showSteps(...zoomed({ from, to, isLog: logSteps.value }, step, factor));
}

/** Makes these the steps that all charts show, as far as there are any. */
export function showSteps(from: number, to: number): void {
  const [first, last] = stepExtent.value;
  const next: Steps = [Math.max(first, Math.floor(from)), Math.min(last, Math.ceil(to))];
  if (next[1] > next[0]) stepWindow.value = next[0] <= first && next[1] >= last ? null : next;
}

/** Starts everything: reads the address, follows TensorBoard, and asks again every few seconds while in view. */
export function start(): void {
  goTo(readPlace());
  follow(() => visible.value && void refresh(true), goTo);
  effect(() => {
    const run = selectedRun.value;
    const id = statistic.value?.id;
    // Depends on the layers answer too, so that a longer log brings a longer heatmap.
    if (run !== null && id && layers.value.value?.run === run) {
      void matrix.load(JSON.stringify([run, id]), signal => fetchMatrix(run, id, null, signal));
    }
  });
  effect(() => {
    if (!visible.value) return;
    rememberPlace();
    return poll();
  });
  effect(() => {
    // Whatever moves without a function of its own here.
    void [stepWindow.value, logSteps.value, openFindings.value, muted.value, comparedRuns.value, differenceRun.value];
    void [layerSearch.value, moduleChoice.value, lineWindow.value, layerOrder.value, runSearch.value, chartLooks.value];
    const timer = setTimeout(rememberPlace, REMEMBER_MS);
    return () => clearTimeout(timer);
  });
}

/** Asks now, and again some time after each answer, so that a slow backend is never asked twice at once. */
function poll(): () => void {
  let timer = 0;
  let isOver = false;
  const ask = async () => {
    await refresh(false);
    if (!isOver) timer = window.setTimeout(ask, runs.value.peek()?.some(isPending) ? POLL_PENDING_MS : POLL_MS);
  };
  void ask();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

/** What was known of the shown run when it was last asked for. */
let loaded = "";

/** Asks for the run list, and for the shown run again when it has grown, or in any case when `always`. */
export async function refresh(always: boolean): Promise<void> {
  await runs.load("runs", signal => fetchRuns(selectedRun.peek(), signal));
  const known = runs.value.peek();
  if (!known) return;
  const name = selectedRun.peek();
  const shown = known.find(run => run.name === name);
  if (name === null) {
    if (known[0]) selectRun(known[0].name);
  } else if (shown && (always || hasFailed() || stamp(shown) !== loaded)) {
    await loadRun(shown);
  }
}

async function loadRun(run: RunSummary): Promise<void> {
  const { name } = run;
  loaded = stamp(run);
  await Promise.all([
    report.load(name, signal => fetchReport(name, signal)),
    series.load(name, signal => fetchSeries(name, null, signal)),
    layers.load(name, signal => fetchLayers(name, signal)),
    setup.load(name, signal => fetchSetup(name, signal)),
  ]);
}

function hasFailed(): boolean {
  return [report, series, layers, setup].some(({ error }) => error.peek() !== null);
}

/** Changes whenever the backend has read more of the run. */
function stamp(run: RunSummary): string {
  return JSON.stringify(run);
}

/** The address that opens what is on the page now. */
export function linkHere(): string {
  rememberPlace();
  return link();
}

/**
 * Shows what the address says. One that names a run says all of a view, as our own links do: what it leaves out is as at
 * first, but what this browser has muted stays so. Any other moves only what it says.
 */
function goTo(said: Place): void {
  const place = said.run === undefined ? { ...placeHere(), ...said } : said;
  const { collapsed, expanded, tables, logs, linears } = place;
  batch(() => {
    if (place.run !== undefined) showRun(place.run);
    chosenStatistic.value = place.statistic ?? null;
    selectedRow.value = place.row ?? null;
    stepWindow.value = place.steps ?? null;
    logSteps.value = place.logSteps ?? false;
    openFindings.value = place.open ?? null;
    muted.value = place.mute ?? muted.value;
    comparedRuns.value = place.with ?? [];
    differenceRun.value = place.difference ?? null;
    layerSearch.value = place.search ?? "";
    moduleChoice.value = collapsed ? { collapsed } : expanded ? { expanded } : null;
    lineWindow.value = place.lines ?? null;
    layerOrder.value = place.order ?? null;
    runSearch.value = place.runs ?? "";
    chartLooks.value = { ...(tables && { tables }), ...(logs && { logs }), ...(linears && { linears }) };
  });
  rememberPlace();
}

function rememberPlace(): void {
  writePlace(placeHere());
}

function placeHere(): Place {
  const run = selectedRun.peek();
  const row = selectedRow.peek();
  const id = chosenStatistic.peek();
  const steps = stepWindow.peek();
  const open = openFindings.peek();
  const mute = muted.peek();
  const beside = comparedRuns.peek();
  const difference = differenceRun.peek();
  const search = layerSearch.peek();
  const lines = lineWindow.peek();
  const order = layerOrder.peek();
  const listed = runSearch.peek();
  return {
    ...(run !== null && { run }),
    ...(id !== null && { statistic: id }),
    ...(row !== null && { row }),
    ...(steps !== null && { steps: [Math.floor(steps[0]), Math.ceil(steps[1])] }),
    ...(logSteps.peek() && { logSteps: true }),
    ...(open !== null && { open }),
    ...(mute.length > 0 && { mute }),
    ...(beside.length > 0 && { with: beside }),
    ...(difference !== null && beside.includes(difference) && { difference }),
    ...(search && { search }),
    ...moduleChoice.peek(),
    ...(lines !== null && { lines }),
    ...(order !== null && { order }),
    ...(listed && { runs: listed }),
    ...chartLooks.peek(),
  };
}
