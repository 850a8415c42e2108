// What of the layers is shown: which statistic, which rows, which steps, and how many of those that were recorded?

import { useMemo } from "preact/hooks";
import { modulePaths } from "../charts/layer_tree.ts";
import { integer, plural, words } from "../format.ts";
import { closedModules, closeModules } from "../layer_place.ts";
import { layerSearch, lineWindow, selectStatistic } from "../state.ts";
import type { LayersAnswer, Statistic } from "../wire.ts";

const SEARCH_FROM = 10;

export function LayersHead({ answer, chosen }: { answer: LayersAnswer | null; chosen: Statistic | null }) {
  const rows = useMemo(() => (answer?.rows ?? []).filter(({ kind }) => kind === chosen?.kind), [answer, chosen]);
  const modules = useMemo(() => modulePaths(rows), [rows]);
  return (
    <header class="section-head">
      <h2 id="layers">Layers</h2>
      {answer && chosen && <StatisticPicker known={answer.statistics} chosen={chosen} />}
      {rows.length >= SEARCH_FROM && (
        <input
          type="search"
          placeholder="Search layers"
          aria-label="Search layers"
          value={layerSearch.value}
          onInput={event => {
            layerSearch.value = event.currentTarget.value;
          }}
        />
      )}
      {modules.length > 0 && (
        <>
          <button type="button" class="quiet" onClick={() => closeModules(modules)}>
            Collapse all
          </button>
          <button type="button" class="quiet" onClick={() => closeModules([])}>
            Expand all
          </button>
        </>
      )}
      {lineWindow.value && (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            lineWindow.value = null;
          }}
        >
          All rows
        </button>
      )}
      {answer && answer.steps.shown > 0 && (
        <span class="muted">
          {plural(rows.length, "row")}, <Coverage steps={answer.steps} />
          {closedModules.value.size > 0 && modules.length > 0 && ", modules merged by their largest value"}
        </span>
      )}
    </header>
  );
}

function StatisticPicker({ known, chosen }: { known: readonly Statistic[]; chosen: Statistic }) {
  const kinds = [...new Set(known.map(({ kind }) => kind))];
  return (
    <select aria-label="Statistic" value={chosen.id} onChange={event => selectStatistic(event.currentTarget.value)}>
      {kinds.map(kind => (
        <optgroup key={kind} label={`${words(kind)}s`}>
          {known
            .filter(part => part.kind === kind)
            .map(({ id, label }) => (
              <option key={id} value={id}>
                {label}
              </option>
            ))}
        </optgroup>
      ))}
    </select>
  );
}

function Coverage({ steps: { shown, written } }: { steps: LayersAnswer["steps"] }) {
  return shown < written ? `${integer(shown)} of ${integer(written)} sampled steps` : `${integer(shown)} sampled steps`;
}
