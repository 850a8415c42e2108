// Which part of the layers is the reader looking at? It stays while the log grows, and goes with the run.

import { computed, effect, signal } from "@preact/signals";
import { closedAtFirst, modulesAround } from "./charts/layer_tree.ts";
import { layers, selectedRun } from "./state.ts";

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

effect(() => {
  selectedRun.value;
  layerSearch.value = "";
  lineWindow.value = null;
  chosen.value = null;
});
