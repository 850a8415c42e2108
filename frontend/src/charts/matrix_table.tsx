// Which numbers does the heatmap show? The picture's equal for those who read: the same lines, the steps in few columns.

import { useMemo } from "preact/hooks";
import { integer, measured } from "../format.ts";
import { closedModules } from "../layer_place.ts";
import { layerSearch, stepExtent, stepUnit, stepWindow } from "../state.ts";
import type { LayerRow, Matrix, Statistic } from "../wire.ts";
import { layerLines } from "./layer_tree.ts";
import { cellValue, stretches } from "./matrix_cells.ts";
import { VirtualTable } from "./virtual_table.tsx";

/** As many as can be read side by side; zooming the steps makes them finer. */
const COLUMNS = 10;
const ROW_HEIGHT = 25;

interface Props {
  matrix: Matrix;
  rows: readonly LayerRow[];
  isRecorded: readonly boolean[];
  statistic: Statistic;
  height: number;
}

export function MatrixTable({ matrix, rows, isRecorded, statistic, height }: Props) {
  const lines = useMemo(
    () => layerLines(rows, closedModules.value, layerSearch.value),
    [rows, closedModules.value, layerSearch.value],
  );
  const window = stepWindow.value ?? stepExtent.value;
  const shown = useMemo(() => stretches(matrix, window, COLUMNS), [matrix, window[0], window[1]]);
  const unit = stepUnit.value;
  return (
    <VirtualTable
      class="series-table"
      label={`${statistic.label} as a table, the largest value of each span of ${unit}s`}
      height={height}
      rowHeight={ROW_HEIGHT}
      count={lines.length}
      columns={shown.length + 1}
      head={
        <tr>
          <th scope="col">Row</th>
          {shown.map(({ steps: [first, last] }) => (
            <th key={first} scope="col">
              {first === last ? integer(first) : `${integer(first)}–${integer(last)}`}
            </th>
          ))}
        </tr>
      }
      row={(index, attributes) => {
        const line = lines[index];
        if (!line) return null;
        return (
          <tr key={line.name} {...attributes}>
            <th scope="row">{line.isGroup ? `${line.name}, ${line.places.length} rows` : line.name}</th>
            {shown.map(stretch => (
              <td key={stretch.first} class="value">
                {measured(cellValue(matrix, line, stretch, isRecorded), statistic.scale)}
              </td>
            ))}
          </tr>
        );
      }}
    />
  );
}
