// Which shares does a distribution show? The picture's equal for those who read: a row per step, a column per bucket.

import { useMemo } from "preact/hooks";
import { integer, measured } from "../format.ts";
import { stepUnit, stepWindow } from "../state.ts";
import type { Histogram } from "../wire.ts";
import { bucketCsv } from "./buckets.ts";
import { VirtualTable } from "./virtual_table.tsx";

const ROW_HEIGHT = 25;

export function DistributionTable(props: { title: string; histogram: Histogram; height: number }) {
  const { title, histogram, height } = props;
  const unit = stepUnit.value;
  const window = stepWindow.value;
  const [head = [], ...all] = useMemo(() => bucketCsv(histogram, unit), [histogram, unit]);
  const rows = window ? all.filter(([step]) => Number(step) >= window[0] && Number(step) <= window[1]) : all;
  return (
    <VirtualTable
      class="series-table"
      label={`${title} as a table, the share of the values in each bucket`}
      height={Math.max(height, 180)}
      rowHeight={ROW_HEIGHT}
      count={rows.length}
      columns={head.length}
      head={
        <tr>
          {head.map(text => (
            <th key={text} scope="col">
              {text}
            </th>
          ))}
        </tr>
      }
      row={(index, attributes) => {
        const [step = "", ...shares] = rows[index] ?? [];
        return (
          <tr key={step} {...attributes}>
            <th scope="row">{integer(Number(step))}</th>
            {shares.map((share, i) => (
              <td key={i} class="value">
                {share === "0" ? "0" : measured(Number(share), "share")}
              </td>
            ))}
          </tr>
        );
      }}
    />
  );
}
