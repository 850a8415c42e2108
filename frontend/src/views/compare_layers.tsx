// In which layers, and when, do two runs differ? One statistic of the one minus that of the other.

import { useMemo } from "preact/hooks";
import { ColourBar } from "../charts/colour_bar.tsx";
import { colourScale, isRatio } from "../charts/colour_scale.ts";
import { Heatmap, heatmapHeight } from "../charts/heatmap.tsx";
import { difference, shownDifference } from "../compared.ts";
import type { Comparison } from "../comparison.ts";
import { differenceRun, layers, selectedRow, selectRow, selectStatistic } from "../state.ts";
import type { LayerRow, Matrix, Statistic } from "../wire.ts";
import { Reading } from "./empty.tsx";

export function CompareLayers({ answer }: { answer: Comparison }) {
  const shown = shownDifference();
  const cells = difference.value.value;
  const failure = difference.error.value;
  const known = layers.value.value;
  return (
    <section class="card" aria-labelledby="compare-layers">
      <header class="section-head">
        <h2 id="compare-layers">Layers</h2>
        {shown && <Choice answer={answer} run={shown.run} statistic={shown.statistic} />}
      </header>
      {!shown && <p class="hint">No layer statistic was recorded in all of these runs.</p>}
      {shown && !cells && (failure ? <p class="hint">{failure.message}</p> : <Reading what="the difference" />)}
      {shown && cells && known?.run === shown.base && (
        <Picture cells={cells} rows={known.rows} statistic={shown.statistic} run={shown.run} />
      )}
    </section>
  );
}

function Choice({ answer, run, statistic }: { answer: Comparison; run: string; statistic: Statistic }) {
  const [base, ...others] = answer.runs;
  return (
    <>
      <select
        aria-label="Statistic"
        value={statistic.id}
        onChange={event => selectStatistic(event.currentTarget.value)}
      >
        {answer.statistics.map(({ id, label }) => (
          <option key={id} value={id}>
            {label}
          </option>
        ))}
      </select>
      <span class="muted">of</span>
      <select
        aria-label="Run"
        value={run}
        onChange={event => {
          differenceRun.value = event.currentTarget.value;
        }}
      >
        {others.map(name => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <span class="muted">against {base}</span>
    </>
  );
}

interface PictureProps {
  cells: Matrix;
  rows: readonly LayerRow[];
  statistic: Statistic;
  run: string;
}

function Picture({ cells, rows: all, statistic, run }: PictureProps) {
  const rows = useMemo(() => {
    const byIndex = new Map(all.map(row => [row.index, row]));
    return Array.from(cells.rowIndex, index => byIndex.get(index)).filter(row => row !== undefined);
  }, [cells, all]);
  const isRecorded = useMemo(() => rows.map((_, at) => hasNumber(cells, at)), [cells, rows]);
  const scale = useMemo(() => colourScale(cells, statistic, isRecorded), [cells, statistic, isRecorded]);
  if (!cells.rows || !cells.columns || rows.length !== cells.rows)
    return <p class="hint">These two runs have no layer, or no sampled step, in common.</p>;
  return (
    <div style={{ minHeight: `${heatmapHeight(rows.length)}px` }}>
      <p class="hint">
        Above zero: larger in {run}
        {isRatio(statistic) && "; +1 is ten times as large"}.
      </p>
      <ColourBar scale={scale} statistic={{ ...statistic, healthy: null }} marked={0} />
      <Heatmap
        matrix={cells}
        upClose={null}
        rows={rows}
        isRecorded={isRecorded}
        scale={scale}
        statistic={statistic}
        selected={selectedRow.value}
        isMarked={() => false}
        onSelect={name => selectRow(name === selectedRow.value ? null : name)}
      />
    </div>
  );
}

/** A row that is NaN throughout was recorded in neither run. */
function hasNumber(cells: Matrix, row: number): boolean {
  return cells.values.subarray(row * cells.columns, (row + 1) * cells.columns).some(value => !Number.isNaN(value));
}
