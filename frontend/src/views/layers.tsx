// Which layer, and when? One statistic of all layers over the steps, one row of it on demand, and the table of newest values.

import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Line } from "../charts/align.ts";
import { ColourBar } from "../charts/colour_bar.tsx";
import { colourScale } from "../charts/colour_scale.ts";
import { Curves } from "../charts/curves.tsx";
import { Heatmap, heatmapHeight } from "../charts/heatmap.tsx";
import { integer, words } from "../format.ts";
import { layers, matrix, selectedRow, selectRow, selectStatistic, statistic } from "../state.ts";
import type { LayerRow, LayersAnswer, Matrix, Report, Statistic } from "../wire.ts";
import { NoLayers, Reading } from "./empty.tsx";
import { LayerTable } from "./layer_table.tsx";

export function Layers({ report, recorded }: { report: Report; recorded: boolean }) {
  const answer = layers.value.value;
  const failure = layers.error.value;
  const chosen = statistic.value;
  return (
    <section class="card" aria-labelledby="layers">
      <header class="section-head">
        <h2 id="layers">Layers</h2>
        {answer && chosen && <StatisticPicker known={answer.statistics} chosen={chosen} />}
        {answer && answer.steps.shown > 0 && <Coverage steps={answer.steps} />}
      </header>
      {!answer && (failure ? <p class="hint">{failure.message}</p> : <Reading what="layers" />)}
      {answer &&
        (chosen ? <OneStatistic answer={answer} chosen={chosen} report={report} /> : <NoLayers recorded={recorded} />)}
    </section>
  );
}

/** Selects the row a finding names, with a statistic that exists for it, and brings the section into view. */
export function showLayers(name: string): void {
  const rows = (layers.value.value?.rows ?? []).filter(row => row.name === name || row.layer === name);
  const row = rows.find(({ kind }) => kind === statistic.value?.kind) ?? rows[0];
  if (row) {
    const fitting = layers.value.value?.statistics.find(({ kind }) => kind === row.kind);
    if (fitting && row.kind !== statistic.value?.kind) selectStatistic(fitting.id);
    selectRow(row.name);
  }
  document.getElementById("layers")?.scrollIntoView();
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
  return (
    <span class="muted">
      {shown < written ? `${integer(shown)} of ${integer(written)} sampled steps` : `${integer(shown)} sampled steps`}
    </span>
  );
}

function OneStatistic({ answer, chosen, report }: { answer: LayersAnswer; chosen: Statistic; report: Report }) {
  const cells = matrix.value.value;
  const failure = matrix.error.value;
  const isSuspect = useMemo(() => {
    const causes = report.causes.filter(({ confidence }) => confidence !== "ruled_out");
    const named = new Set(causes.flatMap(cause => cause.layers));
    return (row: LayerRow) => named.has(row.name) || named.has(row.layer);
  }, [report]);
  const rows = answer.rows.filter(({ kind }) => kind === chosen.kind);
  return (
    <>
      <div style={{ minHeight: `${heatmapHeight(rows.length)}px` }}>
        {cells && <Picture cells={cells} answer={answer} chosen={chosen} isSuspect={isSuspect} />}
        {!cells && (failure ? <p class="hint">{failure.message}</p> : <Reading what={chosen.label} />)}
      </div>
      <LayerTable
        rows={rows}
        statistics={answer.statistics.filter(({ kind }) => kind === chosen.kind)}
        isSuspect={isSuspect}
      />
    </>
  );
}

interface PictureProps {
  cells: Matrix;
  answer: LayersAnswer;
  chosen: Statistic;
  isSuspect: (row: LayerRow) => boolean;
}

function Picture({ cells, answer, chosen, isSuspect }: PictureProps) {
  const rows = useMemo(() => {
    const byIndex = new Map(answer.rows.map(row => [row.index, row]));
    return Array.from(cells.rowIndex, index => byIndex.get(index)).filter(row => row !== undefined);
  }, [cells, answer]);
  const isRecorded = useMemo(() => rows.map(row => row.latest[chosen.id] != null), [rows, chosen]);
  const scale = useMemo(() => colourScale(cells, chosen, isRecorded), [cells, chosen, isRecorded]);
  const opened = rows.findIndex(({ name }) => name === selectedRow.value);
  if (!cells.rows || !cells.columns || rows.length !== cells.rows)
    return <p class="hint">Nothing recorded for {chosen.label}.</p>;
  return (
    <>
      <ColourBar scale={scale} statistic={chosen} marked={rows.filter(isSuspect).length} />
      <Heatmap
        matrix={cells}
        rows={rows}
        isRecorded={isRecorded}
        scale={scale}
        statistic={chosen}
        selected={selectedRow.value}
        isMarked={isSuspect}
        onSelect={name => selectRow(name === selectedRow.value ? null : name)}
      />
      {opened >= 0 && <RowCurve cells={cells} place={opened} row={rows[opened]} chosen={chosen} isLog={scale.isLog} />}
    </>
  );
}

function RowCurve(props: {
  cells: Matrix;
  place: number;
  row: LayerRow | undefined;
  chosen: Statistic;
  isLog: boolean;
}) {
  const { cells, place, row, chosen, isLog } = props;
  const chosenLog = useSignal<boolean | null>(null);
  const lines = useMemo<Line[]>(() => {
    const values = Array.from(cells.values.subarray(place * cells.columns, (place + 1) * cells.columns));
    const { label, unit, id } = chosen;
    return [
      {
        id,
        label,
        unit,
        colour: "--line-1",
        dash: [],
        steps: Array.from(cells.last),
        values,
        shown: cells.columns,
        written: cells.columns,
      },
    ];
  }, [cells, place, chosen]);
  return (
    <Curves
      title={row?.name ?? ""}
      lines={lines}
      height={130}
      isLog={chosenLog.value ?? isLog}
      setLog={next => {
        chosenLog.value = next;
      }}
    />
  );
}
