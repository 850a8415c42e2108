// One statistic over layers and steps: a picture to read from afar, zoom into, and walk through cell by cell.

import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { theme } from "../host.ts";
import { closedModules, toggleModule } from "../layer_place.ts";
import {
  cursorStep,
  layerSearch,
  lineWindow,
  logSteps,
  stepExtent,
  stepUnit,
  stepWindow,
  zoomAround,
  zoomAt,
} from "../state.ts";
import type { LayerRow, Matrix, Statistic } from "../wire.ts";
import { type CellCursor, cellOf, cursorAt } from "./cell_cursor.ts";
import type { ColourScale } from "./colour_scale.ts";
import { heatmapLeft, RIGHT } from "./frame.ts";
import { drawCells, drawNames, drawSteps, namedLines, prepared } from "./heatmap_canvas.ts";
import { type Cell, including, moved, shifted, zoomedLines } from "./heatmap_keys.ts";
import { Brush, CellFrame, LitSteps, ModuleToggles, StepCursor, Tooltip, WindowBar } from "./heatmap_parts.tsx";
import { layerLines, lineKey } from "./layer_tree.ts";
import { cellAt, isInView, rowEdges } from "./raster.ts";
import { reading } from "./reading.ts";
import { stepAt } from "./step_axis.ts";
import { useCells } from "./use_cells.ts";
import { useDrag } from "./use_drag.ts";
import { useWidth } from "./use_width.ts";

const MOST_ROW_HEIGHT = 20;
const AXIS_HEIGHT = 26;

/** A drag less high than this zooms the steps only. CSS pixels. */
const LEAST_DRAGGED = 10;

/** CSS pixels of the heatmap with its step axis. */
export function heatmapHeight(lines: number): number {
  return plotHeightOf(lines) + AXIS_HEIGHT;
}

/** Half of what the window shows, so that a finding above or the table below is still in view. */
function plotHeightOf(lines: number): number {
  const most = Math.max(280, Math.min(960, 0.5 * window.innerHeight));
  return Math.min(most, lines * MOST_ROW_HEIGHT);
}

interface Props {
  matrix: Matrix;
  /** The zoomed steps up close, of the same rows. */
  upClose: Matrix | null;
  rows: readonly LayerRow[];
  isRecorded: readonly boolean[];
  /** Whether TensorBoard dropped records at random, so that what is missing says nothing. */
  isSampled?: boolean;
  scale: ColourScale;
  statistic: Statistic;
  selected: string | null;
  /** Whether a finding names the row. */
  isMarked: (row: LayerRow) => boolean;
  onSelect: (name: string) => void;
}

export function Heatmap(props: Props) {
  const { matrix, upClose, rows, isRecorded, scale, statistic, selected, isMarked, onSelect } = props;
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(frame);
  const cursor = useSignal<CellCursor | null>(null);
  const speech = useSignal("");

  const lines = useMemo(
    () => layerLines(rows, closedModules.value, layerSearch.value),
    [rows, closedModules.value, layerSearch.value],
  );
  const names = useMemo(() => lines.map(lineKey), [lines]);
  const left = heatmapLeft(width.value);
  const plot = { left, width: Math.max(1, width.value - left - RIGHT), height: plotHeightOf(lines.length) };
  const [from, to] = stepWindow.value ?? stepExtent.value;
  const axis = { from, to, isLog: logSteps.value };
  const isOutside = (lineWindow.value?.[1] ?? 0) > lines.length;
  const shownLines = (isOutside ? null : lineWindow.value) ?? ([0, lines.length] as const);
  const down = useMemo(
    () => rowEdges(lines.length, plot.height, shownLines),
    [lines.length, plot.height, shownLines[0], shownLines[1]],
  );
  const far = useCells(props, matrix, lines, axis, plot.width, down);
  const near = useCells(props, upClose, lines, axis, plot.width, down);
  // Up close is what the reader points at, where it is here.
  const { cells: seen, matrix: held } = near && upClose ? { cells: near, matrix: upClose } : { cells: far, matrix };
  const named = useMemo(() => namedLines(lines, down, plot.height, selected), [lines, down, plot.height, selected]);

  useLayoutEffect(() => {
    if (!canvas.current || !width.value || !far) return;
    const ctx = prepared(canvas.current, width.value, heatmapHeight(lines.length));
    if (!ctx) return;
    drawCells(ctx, near ?? far, plot, scale.centre !== null);
    const isNamed = (line: (typeof lines)[number]) => line.places.some(place => rows[place] && isMarked(rows[place]));
    drawNames(ctx, lines, named, down, plot, selected, isNamed);
    drawSteps(ctx, plot, axis, stepUnit.peek());
  }, [far, near, named, width.value, theme.value, selected, isMarked, scale]);

  useEffect(() => {
    // Of lines that are no longer there, or never were: an old link, another statistic, a search.
    if (isOutside) lineWindow.value = null;
  }, [isOutside]);

  const { drag, placeUnder, press, follow, release, cancel } = useDrag(canvas, plot, axis);

  if (!seen) return null;
  const inHand = cursor.value && cellOf(cursor.value, names, held);
  const read = (at: Cell) => reading(at, held, lines, rows, isRecorded, statistic, stepUnit.value);
  const point = (next: Cell | null) => {
    cursor.value = next && cursorAt(next, names, held);
    cursorStep.value = cursor.value?.step ?? null;
  };
  const cellUnder = (event: MouseEvent): Cell | null => {
    const { x, y } = placeUnder(event);
    const isMissing = seen.holes.some(([start, end]) => x > start && x < end);
    const column = x >= 0 && x <= plot.width && !isMissing ? cellAt(seen.across, x) : -1;
    const line = y >= 0 && y < plot.height ? cellAt(down, y) : -1;
    return line >= 0 && column >= 0 ? { line, column } : null;
  };
  const open = (line: number) => {
    const opened = lines[line];
    if (opened?.isGroup) toggleModule(opened.name);
    else if (opened) onSelect(opened.name);
  };
  const zoomLines = (line: number, factor: number) => {
    lineWindow.value = zoomedLines(shownLines, line, factor, lines.length);
  };
  const zoomToLines = (top: number, bottom: number) => {
    if (bottom - top < LEAST_DRAGGED || lines.length < 2) return;
    const first = Math.max(0, cellAt(down, top));
    const last = cellAt(down, bottom);
    const end = (last < 0 ? lines.length - 1 : last) + 1;
    lineWindow.value = end - first < lines.length ? [first, end] : null;
  };
  const showAll = () => {
    stepWindow.value = null;
    lineWindow.value = null;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== frame.current) return;
    const at = inHand ?? { line: shownLines[0], column: 0 };
    const step = held.first[at.column] ?? 0;
    const next = moved(at, event, lines.length, held.columns);
    if (next) {
      lineWindow.value = lineWindow.value && including(lineWindow.value, next.line, lines.length);
      point(next);
      const { name, steps, text } = read(next);
      speech.value = `${name}, ${steps}: ${text}`;
    } else if (event.key === "Enter") open(at.line);
    else if (event.key === "+") zoomAround(step, 2);
    else if (event.key === "-") zoomAround(step, 0.5);
    else if (event.key === "]") zoomLines(at.line, 2);
    else if (event.key === "[") zoomLines(at.line, 0.5);
    else if (event.key === "0") showAll();
    else return;
    event.preventDefault();
  };
  const onWheel = (event: WheelEvent) => {
    const { x, y } = placeUnder(event);
    if (event.ctrlKey) zoomAt(stepAt(x / plot.width, axis), 2 ** (-event.deltaY / 200));
    else if (event.altKey) zoomLines(cellAt(down, y), 2 ** (-event.deltaY / 200));
    else if (lineWindow.value && !event.shiftKey) {
      const next = shifted(lineWindow.value, event.deltaY / 20, lines.length);
      // At an end the page scrolls on.
      if (next[0] === lineWindow.value[0]) return;
      lineWindow.value = next;
    } else return;
    event.preventDefault();
  };
  const at = inHand && isInView(seen.across, inHand.column, plot.width) ? inHand : null;
  const placed = { left, plot, across: seen.across, down };
  return (
    <div
      class="heatmap"
      ref={frame}
      role="application"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it is interactive, see the role
      tabIndex={0}
      aria-label={`Heatmap of ${statistic.label}, ${lines.length} rows by ${held.columns} steps. Arrow keys move, Enter opens the row, plus and minus zoom the steps, square brackets the rows, 0 shows all. The same numbers as a table: Show as table.`}
      onKeyDown={onKeyDown}
      onPointerDown={press}
      onPointerMove={event => {
        follow(event);
        point(cellUnder(event));
      }}
      onPointerUp={event => {
        const dragged = release();
        const under = cellUnder(event);
        if (dragged && !dragged.isClick) zoomToLines(dragged.top, dragged.bottom);
        else if (dragged && under) open(under.line);
      }}
      onPointerCancel={cancel}
      onPointerLeave={() => point(null)}
      onDblClick={showAll}
      onWheel={onWheel}
      onBlur={() => point(null)}
    >
      <canvas ref={canvas} />
      <ModuleToggles lines={lines} named={named} down={down} />
      <LitSteps axis={axis} plot={plot} />
      <StepCursor axis={axis} plot={plot} />
      {lineWindow.value && <WindowBar shown={shownLines} lines={lines.length} plot={plot} />}
      {drag && <Brush {...drag} left={left} />}
      {at && !drag && <CellFrame at={at} {...placed} />}
      {at && !drag && <Tooltip at={at} {...placed} width={width.value} {...read(at)} />}
      <span class="offscreen" role="status">
        {speech.value}
      </span>
    </div>
  );
}
