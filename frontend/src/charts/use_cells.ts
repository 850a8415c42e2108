// Which colour index has each cell of the heatmap, and where does it lie? Computed anew only as far as something changed.

import { useMemo } from "preact/hooks";
import type { LayerRow, Matrix } from "../wire.ts";
import { type ColourScale, colourIndexes } from "./colour_scale.ts";
import { foldedIndexes } from "./fold.ts";
import type { Cells } from "./heatmap_canvas.ts";
import type { TreeLine } from "./layer_tree.ts";
import { columnEdges, columnHoles } from "./raster.ts";
import { placeOf, type StepAxis } from "./step_axis.ts";

interface Shown {
  rows: readonly LayerRow[];
  isRecorded: readonly boolean[];
  isSampled?: boolean;
  scale: ColourScale;
}

/** Null without a matrix, or when it is not of these rows. */
export function useCells(
  { rows, isRecorded, isSampled = false, scale }: Shown,
  matrix: Matrix | null,
  lines: readonly TreeLine[],
  axis: StepAxis,
  plotWidth: number,
  down: Float64Array,
): Cells | null {
  const isOfRows = matrix?.rows === rows.length;
  const indexes = useMemo(
    () => (matrix && isOfRows ? colourIndexes(matrix, scale, isRecorded) : null),
    [matrix, isOfRows, scale, isRecorded],
  );
  const folded = useMemo(
    () => indexes && matrix && foldedIndexes(indexes, lines, matrix.columns),
    [indexes, lines, matrix],
  );
  const toPixel = (step: number) => placeOf(step, axis) * plotWidth;
  const places = [axis.from, axis.to, axis.isLog, plotWidth];
  const across = useMemo(() => matrix && columnEdges(matrix, toPixel), [matrix, ...places]);
  const holes = useMemo(() => {
    if (!matrix || isSampled) return [];
    return columnHoles(matrix).map(([from, to]) => [toPixel(from), toPixel(to)] as const);
  }, [matrix, isSampled, ...places]);
  return useMemo(
    () => (folded && across ? { indexes: folded, across, down, holes } : null),
    [folded, across, down, holes],
  );
}
