// What are the newest numbers of every layer? A table to sort and search: the heatmap's equal for those who read.

import { useSignal } from "@preact/signals";
import { integer, measured } from "../format.ts";
import { selectedRow, selectRow } from "../state.ts";
import type { LayerRow, Statistic } from "../wire.ts";
import { sortedRows } from "./sorted_rows.ts";

interface Props {
  rows: readonly LayerRow[];
  statistics: readonly Statistic[];
  /** Whether a finding names the row. */
  isSuspect: (row: LayerRow) => boolean;
}

const SEARCH_FROM = 10;

export function LayerTable({ rows, statistics, isSuspect }: Props) {
  const wanted = useSignal("");
  const order = useSignal<{ by: string; isDescending: boolean } | null>(null);
  const found = rows.filter(row => row.name.toLowerCase().includes(wanted.value.toLowerCase()));
  const shown = order.value ? sortedRows(found, order.value.by, order.value.isDescending) : found;
  const sortBy = (by: string) => {
    const now = order.value;
    // First click largest first, second smallest first, third the order of the data flow.
    order.value = now?.by !== by ? { by, isDescending: true } : now.isDescending ? { by, isDescending: false } : null;
  };
  const head = { order: order.value, sortBy };
  return (
    <>
      {rows.length >= SEARCH_FROM && (
        <input
          class="layer-search"
          type="search"
          placeholder="Search layers"
          aria-label="Search layers"
          value={wanted.value}
          onInput={event => {
            wanted.value = event.currentTarget.value;
          }}
        />
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled region must be reachable from the keyboard */}
      <section class="scroller" aria-label="Newest values per layer" tabIndex={0}>
        <table class="layer-table">
          <thead>
            <tr>
              <Head {...head} by="name" label="Row" />
              <Head {...head} by="layerKind" label="Layer" />
              <Head {...head} by="parameters" label="Parameters" />
              {statistics.map(({ id, label, unit }) => (
                <Head key={id} {...head} by={id} label={label} unit={unit} />
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map(row => (
              <Row key={row.index} row={row} statistics={statistics} isSuspect={isSuspect(row)} />
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

interface HeadProps {
  by: string;
  label: string;
  unit?: string;
  order: { by: string; isDescending: boolean } | null;
  sortBy: (by: string) => void;
}

function Head({ by, label, unit, order, sortBy }: HeadProps) {
  const isSorted = order?.by === by;
  return (
    <th scope="col" aria-sort={isSorted ? (order.isDescending ? "descending" : "ascending") : "none"}>
      <button type="button" onClick={() => sortBy(by)}>
        {label}
        {unit && <small>{unit}</small>}
        <span aria-hidden="true">{isSorted ? (order.isDescending ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}

function Row({ row, statistics, isSuspect }: { row: LayerRow; statistics: readonly Statistic[]; isSuspect: boolean }) {
  const isSelected = row.name === selectedRow.value;
  const details = [row.layerKind, row.activation, row.initializer, !row.trainable && "frozen"]
    .filter(Boolean)
    .join(" · ");
  return (
    <tr class={isSelected ? "selected" : ""}>
      <th scope="row" class={isSuspect ? "suspect" : ""}>
        <button type="button" aria-pressed={isSelected} onClick={() => selectRow(isSelected ? null : row.name)}>
          {row.name}
        </button>
        {isSuspect && <span class="offscreen"> (named by a finding)</span>}
      </th>
      <td class="muted">{details}</td>
      <td class="value">{row.parameters === null ? "–" : integer(row.parameters)}</td>
      {statistics.map(({ id, scale }) => (
        <td class="value" key={id}>
          {measured(row.latest[id], scale)}
        </td>
      ))}
    </tr>
  );
}
