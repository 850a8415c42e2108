// Which part of the layers is the reader looking at? It stays while the log grows, and goes with the run.

import { computed, effect, signal } from "@preact/signals";
import { closedAtFirst, modulesAround } from "./charts/layer_tree.ts";
import { layers, selectedRow, selectedRun, selectRow } from "./state.ts";

/** What is searched for in heatmap and table. */
export const layerSearch = signal("");

/** The zoomed part of the heatmap's lines, [first, end); null shows all of them. */
export const lineWindow = signal<readonly [number, number] | null>(null);

/** Modules the reader has closed; null as long as he has closed or opened none. */
const chosen = signal<ReadonlySet<string> | null>(null);

const atFirst = computed(() => closedAtFirst(layers.value.value?.rows ?? []));

export const closedModules = computed(() => chosen.value ?? atFirst.value);

export function toggleModule(path: string): void {
  const closed = new Set(closedModules.peek());
  if (!closed.delete(path)) closed.add(path);
  closeModules(closed);
}

/** Closes these modules and opens all others. */
export function closeModules(paths: Iterable<string>): void {
  chosen.value = new Set(paths);
  lineWindow.value = null;
}

/** Opens whatever hides a row. */
export function reveal(name: string): void {
  const around = new Set(modulesAround(layers.value.peek()?.rows ?? [], name));
  const closed = closedModules.peek();
  if ([...around].some(path => closed.has(path))) closeModules([...closed].filter(path => !around.has(path)));
  layerSearch.value = "";
}

/** Opens a row's layer below the heatmap, or closes it again, and brings its heading into view. */
export function toggleLayer(name: string): void {
  const opens = name !== selectedRow.peek();
  selectRow(opens ? name : null);
  if (opens) requestAnimationFrame(() => document.getElementById("layer-detail")?.scrollIntoView({ block: "nearest" }));
}

/** The run whose layers have been here; a link's row is shown when they arrive, and not again while the log grows. */
let arrived: string | null = null;

effect(() => {
  const answer = layers.value.value;
  if (!answer || answer.run === arrived) return;
  arrived = answer.run;
  const linked = selectedRow.peek();
  if (linked !== null) reveal(linked);
});

effect(() => {
  selectedRun.value;
  layerSearch.value = "";
  lineWindow.value = null;
  chosen.value = null;
});
