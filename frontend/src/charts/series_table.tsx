// Which numbers does a chart of lines show? The chart's equal for those who read.

import { useMemo } from "preact/hooks";
import { integer, number } from "../format.ts";
import { stepUnit, stepWindow } from "../state.ts";
import type { Line } from "./align.ts";
import { linesCsv } from "./lines_csv.ts";
import { VirtualTable } from "./virtual_table.tsx";

const ROW_HEIGHT = 25;

export function SeriesTable({ title, lines, height }: { title: string; lines: readonly Line[]; height: number }) {
  const unit = stepUnit.value;
  const window = stepWindow.value;
  const [head = [], ...all] = useMemo(() => linesCsv(lines, unit), [lines, unit]);
  const rows = window ? all.filter(([step]) => Number(step) >= window[0] && Number(step) <= window[1]) : all;
  return (
    <VirtualTable
      class="series-table"
      label={`${title} as a table`}
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
        const [step = "", ...values] = rows[index] ?? [];
        return (
          <tr key={step} {...attributes}>
            <th scope="row">{integer(Number(step))}</th>
            {values.map((value, i) => (
              <td key={i} class="value">
                {value === "" ? "" : number(Number(value))}
              </td>
            ))}
          </tr>
        );
      }}
    />
  );
}
