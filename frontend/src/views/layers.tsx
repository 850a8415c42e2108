// Which layer, and when? One statistic of all layers over the steps, one layer on demand, and the table of newest values.

import { effect, untracked } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { reveal } from "../layer_place.ts";
import { layers, matrix, selectedRow, selectedRun, selectRow, selectStatistic, statistic } from "../state.ts";
import type { LayerRow, LayersAnswer, Report, Statistic } from "../wire.ts";
import { NoLayers, Reading } from "./empty.tsx";
import { HeatmapFigure } from "./heatmap_figure.tsx";
import { LayerDetail } from "./layer_detail.tsx";
import { LayerTable } from "./layer_table.tsx";
import { LayersHead } from "./layers_head.tsx";

export function Layers({ report, recorded }: { report: Report; recorded: boolean }) {
  const answer = layers.value.value;
  const failure = layers.error.value;
  const chosen = statistic.value;
  return (
    <section class="card" aria-labelledby="layers">
      <LayersHead answer={answer} chosen={chosen} />
      {!answer && (failure ? <p class="hint">{failure.message}</p> : <Reading what="layers" />)}
      {answer &&
        (chosen ? <OneStatistic answer={answer} chosen={chosen} report={report} /> : <NoLayers recorded={recorded} />)}
    </section>
  );
}

/** Selects the row a finding names, with a statistic that exists for it, and brings the section into view.
 *
 * Before the layers are here, it is selected once they are, unless another run has been chosen meanwhile.
 */
export function showLayers(name: string): void {
  const asked = selectedRun.peek();
  const stop = effect(() => {
    const answer = layers.value.value;
    if (!answer && selectedRun.value === asked) return;
    queueMicrotask(() => stop());
    if (answer?.run === asked) untracked(() => selectNamed(answer, name));
  });
  document.getElementById("layers")?.scrollIntoView();
}

function selectNamed(answer: LayersAnswer, name: string): void {
  const rows = answer.rows.filter(row => row.name === name || row.layer === name);
  const row = rows.find(({ kind }) => kind === statistic.value?.kind) ?? rows[0];
  if (!row) return;
  const fitting = answer.statistics.find(({ kind }) => kind === row.kind);
  if (fitting && row.kind !== statistic.value?.kind) selectStatistic(fitting.id);
  reveal(row.name);
  selectRow(row.name);
}

function OneStatistic({ answer, chosen, report }: { answer: LayersAnswer; chosen: Statistic; report: Report }) {
  const isSuspect = useMemo(() => {
    const causes = report.causes.filter(({ confidence }) => confidence !== "ruled_out");
    const named = new Set(causes.flatMap(cause => cause.layers));
    return (row: LayerRow) => named.has(row.name) || named.has(row.layer);
  }, [report]);
  const rows = useMemo(() => answer.rows.filter(({ kind }) => kind === chosen.kind), [answer, chosen]);
  const statistics = useMemo(() => answer.statistics.filter(({ kind }) => kind === chosen.kind), [answer, chosen]);
  const opened = answer.rows.find(({ name }) => name === selectedRow.value);
  return (
    <>
      <HeatmapFigure answer={answer} chosen={chosen} isSuspect={isSuspect} />
      {opened && <LayerDetail row={opened} answer={answer} />}
      <LayerTable
        rows={rows}
        statistics={statistics}
        chosen={chosen}
        matrix={matrix.value.value}
        report={report}
        isSuspect={isSuspect}
      />
    </>
  );
}
