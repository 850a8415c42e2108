// Which numbers does a chart over steps show? The chart's equal for those who read: a row per step of the shared window.

import { integer } from "../format.ts";
import { stepWindow } from "../state.ts";
import { VirtualTable } from "./virtual_table.tsx";

const ROW_HEIGHT = 25;
const LEAST_HEIGHT = 180;

interface Props {
  label: string;
  /** As in the chart's CSV: the names of the columns, then the rows, the step first. */
  csv: readonly (readonly string[])[];
  height: number;
  /** What a cell says, from what the CSV has. */
  cell: (value: string) => string;
}

export function StepTable({ label, csv, height, cell }: Props) {
  const window = stepWindow.value;
  const [head = [], ...all] = csv;
  const rows = window ? all.filter(([step]) => Number(step) >= window[0] && Number(step) <= window[1]) : all;
  return (
    <VirtualTable
      class="series-table"
      label={label}
      height={Math.max(height, LEAST_HEIGHT)}
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
                {cell(value)}
              </td>
            ))}
          </tr>
        );
      }}
    />
  );
}
