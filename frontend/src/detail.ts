// What does the zoomed part look like up close? The backend merges it anew; until then the merged whole is stretched.

import { computed, effect } from "@preact/signals";
import { fetchHistograms, fetchLayer, fetchMatrix, fetchSeries } from "./api.ts";
import { Resource } from "./resource.ts";
import { layers, matrix, selectedRow, selectedRun, series, statistic, stepWindow } from "./state.ts";
import type { LayerCharts, LayerRow, Matrix, RowHistograms, Series, SeriesAnswer, Steps } from "./wire.ts";

/** So long the reader has to stay before the backend is asked: a turning wheel asks once. */
const SETTLED_MS = 150;

interface Close<T> {
  /** What it answers: run, and statistic where there is one. */
  question: string;
  window: Steps;
  answer: T;
}

const closeSeries = new Resource<Close<SeriesAnswer>>();
const closeMatrix = new Resource<Close<Matrix>>();

/** The curves of the layer that is opened, in the steps on the page. */
export const layerCharts = new Resource<LayerCharts>();

interface LayerHistograms {
  run: string;
  layer: string;
  rows: RowHistograms[];
}

/** How the values of each row of the opened layer were distributed. */
export const layerHistograms = new Resource<LayerHistograms>();

/** Path of the layer whose row is selected; null when none is. */
const openedLayer = computed(() => {
  const row = layers.value.value?.rows.find(({ name }) => name === selectedRow.value);
  return row ? layerOf(row) : null;
});

/** What the backend calls the row's layer: a row that names none is its own. */
export function layerOf(row: LayerRow): string {
  return row.layer || row.name;
}

/** Apart from what is made of it, so that zooming further into it makes nothing anew. */
const nearSeries = computed(() => {
  const near = closeSeries.value.value;
  return near && isWithin(stepWindow.value, near.window) ? near : null;
});

/** The curves as they are to be drawn: up close where that is here. */
export const shownSeries = computed<Series[] | null>(() => {
  const whole = series.value.value;
  const near = nearSeries.value;
  if (!whole) return null;
  if (near?.answer.run !== whole.run) return whole.series;
  const byId = new Map(near.answer.series.map(one => [one.id, one]));
  return whole.series.map(one => byId.get(one.id) ?? one);
});

/** What the heatmap draws over the merged whole; null when nothing nearer is here. */
export const matrixUpClose = computed<Matrix | null>(() => {
  const near = closeMatrix.value.value;
  const isAsked = near?.question === JSON.stringify([selectedRun.value, statistic.value?.id]);
  return near && isAsked && isWithin(stepWindow.value, near.window) ? near.answer : null;
});

function isWithin(window: Steps | null, outer: Steps): boolean {
  return window !== null && window[0] >= outer[0] && window[1] <= outer[1];
}

/** Asks for what the reader has zoomed to, once he has settled, and for the layer he has opened. */
export function followZoom(): void {
  effect(() => {
    const run = selectedRun.value;
    const window = stepWindow.value;
    const id = statistic.value?.id;
    const whole = series.value.value;
    const cells = matrix.value.value;
    if (run === null || !window) return;
    const timer = setTimeout(() => {
      if (whole?.run === run && whole.series.some(({ low }) => low)) {
        void closeSeries.load(run, async signal => ({
          question: run,
          window,
          answer: await fetchSeries(run, window, signal),
        }));
      }
      if (id && cells?.first.some((first, column) => first !== cells.last[column])) {
        const question = JSON.stringify([run, id]);
        void closeMatrix.load(question, async signal => ({
          question,
          window,
          answer: await fetchMatrix(run, id, window, signal),
        }));
      }
    }, SETTLED_MS);
    return () => clearTimeout(timer);
  });
  effect(() => {
    const run = selectedRun.value;
    const layer = openedLayer.value;
    const window = stepWindow.value;
    // Depends on the layers answer too, so that a longer log brings longer curves.
    if (run === null || layer === null || layers.value.value?.run !== run) return;
    const timer = setTimeout(
      () => void layerCharts.load(JSON.stringify([run, layer]), signal => fetchLayer(run, layer, window, signal)),
      window ? SETTLED_MS : 0,
    );
    return () => clearTimeout(timer);
  });
  effect(() => {
    const run = selectedRun.value;
    const layer = openedLayer.value;
    const known = layers.value.value;
    if (run === null || layer === null || known?.run !== run) return;
    const indexes = known.rows.filter(row => layerOf(row) === layer).map(({ index }) => index);
    void layerHistograms.load(JSON.stringify([run, layer]), async signal => ({
      run,
      layer,
      rows: await Promise.all(indexes.map(index => fetchHistograms(run, index, signal))),
    }));
  });
}
