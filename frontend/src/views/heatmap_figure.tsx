// How is the chosen statistic shown: its colour scale, its picture or its table, and what can be taken along?

import { useMemo, useRef } from "preact/hooks";
import { isTable, toggleTable } from "../charts/chart_looks.ts";
import { ChartMenu } from "../charts/chart_menu.tsx";
import { ColourBar } from "../charts/colour_bar.tsx";
import { colourScale } from "../charts/colour_scale.ts";
import { Heatmap, heatmapHeight } from "../charts/heatmap.tsx";
import { layerLines } from "../charts/layer_tree.ts";
import { matrixCsv } from "../charts/matrix_cells.ts";
import { MatrixTable } from "../charts/matrix_table.tsx";
import { heatmapPicture } from "../charts/picture.ts";
import { matrixUpClose } from "../detail.ts";
import { downloadCsv, downloadPicture } from "../download.ts";
import { closedModules, toggleLayer } from "../layer_place.ts";
import { matrix, selectedRow, stepUnit } from "../state.ts";
import type { LayerRow, LayersAnswer, Matrix, Statistic } from "../wire.ts";
import { Reading } from "./empty.tsx";

/** The id of its chart. */
const HEATMAP = "heatmap";

interface Props {
  answer: LayersAnswer;
  chosen: Statistic;
  /** Whether a finding names the row. */
  isSuspect: (row: LayerRow) => boolean;
}

export function HeatmapFigure({ answer, chosen, isSuspect }: Props) {
  const cells = matrix.value.value;
  const failure = matrix.error.value;
  // Room for the picture before it is here, so that nothing below it jumps.
  const height = useMemo(() => {
    const rows = answer.rows.filter(({ kind }) => kind === chosen.kind);
    return heatmapHeight(layerLines(rows, closedModules.peek()).length);
  }, [answer, chosen]);
  if (cells) return <Picture cells={cells} answer={answer} chosen={chosen} isSuspect={isSuspect} />;
  return (
    <div style={{ minHeight: `${height + 44}px` }}>
      {failure ? <p class="hint">{failure.message}</p> : <Reading what={chosen.label} />}
    </div>
  );
}

function Picture({ cells, answer, chosen, isSuspect }: Props & { cells: Matrix }) {
  const figure = useRef<HTMLDivElement>(null);
  const asTable = isTable(HEATMAP);
  const rows = useMemo(() => {
    const byIndex = new Map(answer.rows.map(row => [row.index, row]));
    return Array.from(cells.rowIndex, index => byIndex.get(index)).filter(row => row !== undefined);
  }, [cells, answer]);
  const isRecorded = useMemo(() => rows.map(row => row.latest[chosen.id] != null), [rows, chosen]);
  const scale = useMemo(() => colourScale(cells, chosen, isRecorded), [cells, chosen, isRecorded]);
  if (!cells.rows || !cells.columns || rows.length !== cells.rows)
    return <p class="hint">Nothing recorded for {chosen.label}.</p>;
  const title = `${chosen.label} of ${answer.run}`;
  const takePicture = () => {
    const canvas = figure.current?.querySelector("canvas");
    if (canvas) downloadPicture(title, heatmapPicture(canvas, title, scale, chosen));
  };
  return (
    <div ref={figure}>
      <div class="heatmap-head">
        <ColourBar scale={scale} statistic={chosen} marked={rows.filter(isSuspect).length} />
        <ChartMenu
          title={chosen.label}
          isTable={asTable}
          onTable={() => toggleTable(HEATMAP)}
          onCsv={() => downloadCsv(title, matrixCsv(matrixUpClose.peek() ?? cells, rows, stepUnit.peek()))}
          onPicture={asTable ? null : takePicture}
        />
      </div>
      {asTable ? (
        <MatrixTable
          matrix={matrixUpClose.value ?? cells}
          rows={rows}
          isRecorded={isRecorded}
          statistic={chosen}
          height={440}
        />
      ) : (
        <Heatmap
          matrix={cells}
          upClose={matrixUpClose.value}
          rows={rows}
          isRecorded={isRecorded}
          isSampled={answer.steps.shown < answer.steps.written}
          scale={scale}
          statistic={chosen}
          selected={selectedRow.value}
          isMarked={isSuspect}
          onSelect={toggleLayer}
        />
      )}
    </div>
  );
}
