// What are the newest numbers of every layer? A table to sort and search, each number beside the threshold it met.

import { useMemo } from "preact/hooks";
import { Name } from "../charts/breakable.tsx";
import { Sparkline } from "../charts/sparkline.tsx";
import { type RowAttributes, VirtualTable } from "../charts/virtual_table.tsx";
import { integer, measured } from "../format.ts";
import { toggleLayer } from "../layer_place.ts";
import { layerOrder, layerSearch, selectedRow } from "../state.ts";
import type { LayerRow, Matrix, Report, Statistic } from "../wire.ts";
import { limitText, metThreshold } from "./met_threshold.ts";
import { type Order, sortedRows } from "./sorted_rows.ts";

const ROW_HEIGHT = 28;
const HEIGHT = 440;

interface Props {
  rows: readonly LayerRow[];
  statistics: readonly Statistic[];
  /** The statistic of the heatmap and its cells: they make the sparklines. */
  chosen: Statistic;
  matrix: Matrix | null;
  report: Report;
  /** Whether a finding names the row. */
  isSuspect: (row: LayerRow) => boolean;
}

/** The rows of the table as they stand: found by the search, in their order. */
export function tableRows(rows: readonly LayerRow[], wanted: string, order: Order | null): LayerRow[] {
  const found = rows.filter(row => row.name.toLowerCase().includes(wanted.toLowerCase()));
  return order ? sortedRows(found, order) : found;
}

export function LayerTable({ rows, statistics, chosen, matrix, report, isSuspect }: Props) {
  const order = layerOrder.value;
  const wanted = layerSearch.value;
  const shown = useMemo(() => tableRows(rows, wanted, order), [rows, wanted, order]);
  const places = useMemo(() => new Map(Array.from(matrix?.rowIndex ?? [], (index, place) => [index, place])), [matrix]);
  const longest = useMemo(() => rows.reduce((most, { name }) => Math.max(most, name.length), 0), [rows]);
  const sortBy = (by: string) => {
    // First click largest first, second smallest first, third the order of the data flow.
    layerOrder.value =
      order?.by !== by ? { by, isDescending: true } : order.isDescending ? { by, isDescending: false } : null;
  };
  const head = { order, sortBy };
  const valuesOf = (row: LayerRow) => {
    const place = places.get(row.index);
    return matrix && place !== undefined
      ? matrix.values.subarray(place * matrix.columns, (place + 1) * matrix.columns)
      : null;
  };
  return (
    <>
      <VirtualTable
        class="layer-table"
        label="Newest values per layer"
        height={HEIGHT}
        rowHeight={ROW_HEIGHT}
        count={shown.length}
        columns={8 + statistics.length}
        head={
          <tr>
            <Head {...head} by="name" label="Row" width={`${Math.min(longest, 40) + 3}ch`} />
            <th scope="col">{chosen.label} over time</th>
            {statistics.map(({ id, label, unit }) => (
              <Head key={id} {...head} by={id} label={label} unit={unit} />
            ))}
            <Head {...head} by="layerKind" label="Layer" isText />
            <Head {...head} by="activation" label="Activation" isText />
            <Head {...head} by="initializer" label="Initialiser" isText />
            <Head {...head} by="parameters" label="Parameters" />
            <Head {...head} by="trainable" label="Trainable" isText />
          </tr>
        }
        row={(index, attributes) => {
          const row = shown[index];
          return (
            row && (
              <Row
                key={row.index}
                row={row}
                statistics={statistics}
                values={valuesOf(row)}
                isLog={chosen.scale === "log" || chosen.scale === "count"}
                report={report}
                isSuspect={isSuspect(row)}
                attributes={attributes}
              />
            )
          );
        }}
      />
      {!shown.length && <p class="hint">No row is named like that.</p>}
    </>
  );
}

/** Characters of a row's name that its column has room for. */
const NAME = 40;

interface HeadProps {
  by: string;
  label: string;
  unit?: string;
  width?: string;
  isText?: boolean;
  order: Order | null;
  sortBy: (by: string) => void;
}

function Head({ by, label, unit, width, isText, order, sortBy }: HeadProps) {
  const isSorted = order?.by === by;
  return (
    <th
      scope="col"
      class={isText ? "text" : ""}
      style={width ? { minWidth: width } : {}}
      aria-sort={isSorted ? (order.isDescending ? "descending" : "ascending") : "none"}
    >
      <button type="button" onClick={() => sortBy(by)}>
        {label}
        {unit && <small>{unit}</small>}
        <span aria-hidden="true">{isSorted ? (order.isDescending ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}

interface RowProps {
  row: LayerRow;
  statistics: readonly Statistic[];
  values: ArrayLike<number> | null;
  isLog: boolean;
  report: Report;
  isSuspect: boolean;
  attributes: RowAttributes;
}

function Row({ row, statistics, values, isLog, report, isSuspect, attributes }: RowProps) {
  const isSelected = row.name === selectedRow.value;
  return (
    <tr {...attributes} class={isSelected ? "selected" : ""}>
      <th scope="row" class={isSuspect ? "suspect" : ""}>
        <button type="button" title={row.name} aria-pressed={isSelected} onClick={() => toggleLayer(row.name)}>
          <Name name={row.name} most={NAME} isOneLine />
        </button>
        {isSuspect && <span class="offscreen"> (named by a finding)</span>}
      </th>
      <td>{values && <Sparkline values={values} isLog={isLog} />}</td>
      {statistics.map(statistic => {
        const met = isSuspect ? metThreshold(report, row, statistic) : null;
        return (
          <td class={met ? "value met" : "value"} key={statistic.id} title={met?.text}>
            {met && <small>{limitText(met)}</small>}
            {measured(row.latest[statistic.id], statistic.scale)}
          </td>
        );
      })}
      <td class="text muted">{row.layerKind}</td>
      <td class="text muted">{row.activation ?? "–"}</td>
      <td class="text muted">{row.initializer ?? "–"}</td>
      <td class="value">{row.parameters === null ? "–" : integer(row.parameters)}</td>
      <td class="text muted">{row.trainable ? "yes" : "frozen"}</td>
    </tr>
  );
}
