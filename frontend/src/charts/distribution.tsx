// How were the values of one row distributed, step by step? A picture to point at and to walk through bucket by bucket.

import { useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { downloadCsv, downloadPicture } from "../download.ts";
import { integer, measured, plural, stepSpan } from "../format.ts";
import { theme } from "../host.ts";
import { cursorStep, logSteps, selectedRun, stepExtent, stepUnit, stepWindow, zoomAround, zoomAt } from "../state.ts";
import type { Histogram } from "../wire.ts";
import {
  bucketCsv,
  bucketEdges,
  bucketMatrix,
  bucketName,
  bucketTicks,
  nonfiniteText,
  shareIndexes,
  withoutEmptyMiddle,
  zeroRow,
} from "./buckets.ts";
import { type CellCursor, cellOf, cursorAt } from "./cell_cursor.ts";
import { isTable, toggleTable } from "./chart_looks.ts";
import { ChartMenu } from "./chart_menu.tsx";
import { drawDistribution } from "./distribution_canvas.ts";
import { DistributionTable } from "./distribution_table.tsx";
import { AXIS_WIDTH, legendWidth, RIGHT } from "./frame.ts";
import { type Cell, moved } from "./heatmap_keys.ts";
import { Brush, CellFrame, LitSteps, StepCursor, Tooltip } from "./heatmap_parts.tsx";
import { framed } from "./picture.ts";
import { cellAt, columnEdges, columnHoles, isInView } from "./raster.ts";
import { placeOf, stepAt } from "./step_axis.ts";
import { useDrag } from "./use_drag.ts";
import { useWidth } from "./use_width.ts";

const PLOT_HEIGHT = 130;
const HEIGHT = PLOT_HEIGHT + 26;

interface Props {
  /** Unlike any other chart's. */
  id: string;
  title: string;
  histogram: Histogram;
}

export function Distribution({ id, title, histogram: recorded }: Props) {
  const histogram = useMemo(() => withoutEmptyMiddle(recorded), [recorded]);
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(frame);
  const cursor = useSignal<CellCursor | null>(null);
  const speech = useSignal("");
  const asTable = isTable(id);
  const unit = stepUnit.value;
  const fullWidth = width.value - legendWidth(width.value);
  const plot = { left: AXIS_WIDTH, width: Math.max(1, fullWidth - AXIS_WIDTH - RIGHT), height: PLOT_HEIGHT };
  const [from, to] = stepWindow.value ?? stepExtent.value;
  const axis = { from, to, isLog: logSteps.value };

  const { matrix, names, indexes, down, ticks } = useMemo(() => {
    const matrix = bucketMatrix(histogram);
    const down = bucketEdges(histogram, PLOT_HEIGHT);
    const names = histogram.low.map((_, line) => bucketName(histogram, line));
    return { matrix, names, indexes: shareIndexes(matrix.values), down, ticks: bucketTicks(histogram, down) };
  }, [histogram]);
  const { across, holes } = useMemo(() => {
    const toPixel = (step: number) => placeOf(step, axis) * plot.width;
    const holes = columnHoles(matrix).map(([start, end]) => [toPixel(start), toPixel(end)] as const);
    return { across: columnEdges(matrix, toPixel), holes };
  }, [matrix, from, to, axis.isLog, plot.width]);

  useLayoutEffect(() => {
    if (!canvas.current || !width.value) return;
    const painted = { cells: { indexes, across, down, holes }, plot, axis, unit, ticks, zero: zeroRow(histogram) };
    drawDistribution(canvas.current, painted, fullWidth, HEIGHT);
  }, [indexes, across, down, width.value, theme.value, unit, asTable]);

  const { drag, placeUnder, press, follow, release, cancel } = useDrag(canvas, plot, axis);
  const inHand = cursor.value && cellOf(cursor.value, names, matrix);
  const read = ({ line, column }: Cell) => ({
    text: measured(matrix.values[line * matrix.columns + column], "share"),
    name: names[line] ?? "",
    steps: stepSpan([histogram.steps[column] ?? 0, histogram.steps[column] ?? 0], unit),
    merged: nonfiniteText(histogram.nonfinite[column] ?? 0),
  });
  const point = (next: Cell | null) => {
    cursor.value = next && cursorAt(next, names, matrix);
    cursorStep.value = cursor.value?.step ?? null;
  };
  const cellUnder = (event: MouseEvent): Cell | null => {
    const { x, y } = placeUnder(event);
    const column = x >= 0 && x <= plot.width ? cellAt(across, x) : -1;
    const line = cellAt(down, y);
    return line >= 0 && column >= 0 ? { line, column } : null;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const at = inHand ?? { line: 0, column: matrix.columns - 1 };
    const step = histogram.steps[at.column] ?? 0;
    const next = moved(at, event, matrix.rows, matrix.columns);
    if (next) {
      point(next);
      const { name, steps, text, merged } = read(next);
      speech.value = [`${steps}, ${name}: ${text}`, merged].filter(Boolean).join(", ");
    } else if (event.key === "+") zoomAround(step, 2);
    else if (event.key === "-") zoomAround(step, 0.5);
    else if (event.key === "0") stepWindow.value = null;
    else return;
    event.preventDefault();
  };
  const onWheel = (event: WheelEvent) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoomAt(stepAt(placeUnder(event).x / plot.width, axis), 2 ** (-event.deltaY / 200));
  };

  const fullTitle = `${title} of ${selectedRun.value}`;
  const picture = () => {
    if (!canvas.current) return;
    const explain = (ctx: CanvasRenderingContext2D, y: number) => {
      ctx.fillText("Colour: share of the values in each bucket, dark for few, bright for many", 14, y + 4);
    };
    downloadPicture(fullTitle, framed(canvas.current, fullTitle, explain));
  };
  const at = inHand && isInView(across, inHand.column, plot.width) ? inHand : null;
  const placed = { left: plot.left, plot, across, down };
  const mostNonfinite = Math.max(...histogram.nonfinite);
  return (
    <div class="chart" ref={frame}>
      <div class="legend">
        <div class="legend-head">
          <h3>{title}</h3>
          <ChartMenu
            title={title}
            isTable={asTable}
            onTable={() => toggleTable(id)}
            onCsv={() => downloadCsv(fullTitle, bucketCsv(histogram, unit))}
            onPicture={asTable ? null : picture}
          />
        </div>
        {mostNonfinite > 0 && <p class="muted">NaN or Inf: up to {measured(mostNonfinite, "share")}</p>}
        {histogram.shown < histogram.recorded && (
          <p class="muted">
            {integer(histogram.shown)} of {plural(histogram.recorded, "histogram")}
          </p>
        )}
      </div>
      {asTable ? (
        <DistributionTable title={title} histogram={histogram} height={HEIGHT} />
      ) : (
        <div
          class="chart-plot distribution"
          role="application"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it is interactive, see the role
          tabIndex={0}
          aria-label={`Distribution of ${title}, ${matrix.rows} buckets by ${matrix.columns} steps. Arrow keys move, plus and minus zoom the steps, 0 shows all. The same numbers as a table: Show as table.`}
          onKeyDown={onKeyDown}
          onPointerDown={press}
          onPointerMove={event => {
            follow(event);
            point(cellUnder(event));
          }}
          onPointerUp={release}
          onPointerCancel={cancel}
          onPointerLeave={() => point(null)}
          onBlur={() => point(null)}
          onDblClick={() => {
            stepWindow.value = null;
          }}
          onWheel={onWheel}
        >
          <canvas ref={canvas} />
          <LitSteps axis={axis} plot={plot} />
          <StepCursor axis={axis} plot={plot} />
          {drag && <Brush {...drag} y={0} toY={PLOT_HEIGHT} left={plot.left} />}
          {at && !drag && <CellFrame at={at} {...placed} />}
          {at && !drag && <Tooltip at={at} {...placed} width={fullWidth} {...read(at)} />}
          <span class="offscreen" role="status">
            {speech.value}
          </span>
        </div>
      )}
    </div>
  );
}
