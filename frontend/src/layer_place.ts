// Which part of the layers is the reader looking at? It stays while the log grows, and goes with the run.

import { computed, effect } from "@preact/signals";
import { closedAtFirst, modulePaths, modulesAround } from "./charts/layer_tree.ts";
import { choiceOf, closedBy } from "./charts/module_choice.ts";
import { layerSearch, layers, lineWindow, moduleChoice, selectedRow, selectRow } from "./state.ts";

const atFirst = computed(() => closedAtFirst(layers.value.value?.rows ?? []));

/** A module of some kind of row may be no module of another kind, or of all rows together. */
const knownModules = computed(() => {
  const rows = layers.value.value?.rows ?? [];
  const ofKind = (kind: string) => modulePaths(rows.filter(row => row.kind === kind));
  return [...new Set([modulePaths(rows), ...[...new Set(rows.map(({ kind }) => kind))].map(ofKind)].flat())];
});

export const closedModules = computed(() =>
  moduleChoice.value ? closedBy(moduleChoice.value, knownModules.value) : atFirst.value,
);

export function toggleModule(path: string): void {
  const closed = new Set(closedModules.peek());
  if (!closed.delete(path)) closed.add(path);
  closeModules(closed);
}

/** Closes these modules and opens all others. */
export function closeModules(paths: Iterable<string>): void {
  const closed = new Set(paths);
  const first = atFirst.peek();
  // With a row open the choice is said all the same: without it, a link opens the modules around the row.
  const isAsAtFirst =
    selectedRow.peek() === null && closed.size === first.size && [...closed].every(path => first.has(path));
  moduleChoice.value = isAsAtFirst ? null : choiceOf(closed, knownModules.peek());
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
  // A link that says which modules are open is shown as it is.
  if (linked !== null && !moduleChoice.peek()) reveal(linked);
});
