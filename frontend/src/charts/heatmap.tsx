// One statistic over layers and steps, drawn on a canvas, with axes, a tooltip and a cell cursor for the keyboard.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { measured, stepSpan } from "../format.ts";
import { theme } from "../host.ts";
import { cursorStep, stepExtent, stepUnit, stepWindow } from "../state.ts";
import type { LayerRow, Matrix, Statistic } from "../wire.ts";
import { type ColourScale, colourIndexes } from "./colour_scale.ts";
import { heatmapLeft, RIGHT } from "./frame.ts";
import { drawCells, drawRows, drawSteps, prepared } from "./heatmap_canvas.ts";
import { cellAt, columnEdges, rowEdges } from "./raster.ts";
import { useWidth } from "./use_width.ts";

const MOST_HEIGHT = 480;
const MOST_ROW_HEIGHT = 20;
const AXIS_HEIGHT = 26;

/** CSS pixels of the heatmap with its step axis. */
export function heatmapHeight(rows: number): number {
  return plotHeightOf(rows) + AXIS_HEIGHT;
}

function plotHeightOf(rows: number): number {
  return Math.min(MOST_HEIGHT, rows * MOST_ROW_HEIGHT);
}

interface Props {
  matrix: Matrix;
  rows: readonly LayerRow[];
  isRecorded: readonly boolean[];
  scale: ColourScale;
  statistic: Statistic;
  selected: string | null;
  /** Whether a finding names the row. */
  isMarked: (row: LayerRow) => boolean;
  onSelect: (name: string) => void;
}

interface Cell {
  row: number;
  column: number;
}

export function Heatmap({ matrix, rows, isRecorded, scale, statistic, selected, isMarked, onSelect }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(frame);
  const cell = useSignal<Cell | null>(null);
  const speech = useSignal("");

  const left = heatmapLeft(width.value);
  const plotWidth = Math.max(1, width.value - left - RIGHT);
  const plotHeight = plotHeightOf(rows.length);
  const [from, to] = stepWindow.value ?? stepExtent.value;
  const toPixel = (step: number) => ((step - from) / Math.max(1, to - from)) * plotWidth;
  const across = useMemo(() => columnEdges(matrix, toPixel), [matrix, from, to, plotWidth]);
  const down = useMemo(() => rowEdges(rows.length, plotHeight), [rows.length, plotHeight]);
  const indexes = useMemo(() => colourIndexes(matrix, scale, isRecorded), [matrix, scale, isRecorded]);

  useEffect(() => {
    if (!canvas.current || !width.value) return;
    const ctx = prepared(canvas.current, width.value, heatmapHeight(rows.length));
    if (!ctx) return;
    drawCells(ctx, indexes, across, down, left, plotWidth, plotHeight, scale.centre !== null);
    drawRows(ctx, rows, down, left, selected, isMarked);
    drawSteps(ctx, left, plotWidth, plotHeight, from, to, stepUnit.peek());
  }, [indexes, across, down, width.value, theme.value, selected, isMarked, rows, scale]);

  const say = ({ row, column }: Cell) => {
    const value = matrix.values[row * matrix.columns + column];
    const steps = stepSpan([matrix.first[column] ?? 0, matrix.last[column] ?? 0], stepUnit.value);
    const text = isRecorded[row] ? measured(value, statistic.scale, statistic.unit) : "not recorded";
    return { name: rows[row]?.name ?? "", steps, text };
  };
  const point = (next: Cell | null) => {
    cell.value = next;
    cursorStep.value = next && Math.round(((matrix.first[next.column] ?? 0) + (matrix.last[next.column] ?? 0)) / 2);
  };
  const cellUnder = (event: MouseEvent): Cell | null => {
    const box = canvas.current?.getBoundingClientRect();
    const column = cellAt(across, event.clientX - (box?.left ?? 0) - left);
    const row = cellAt(down, event.clientY - (box?.top ?? 0));
    return event.clientX - (box?.left ?? 0) >= left && row >= 0 && column >= 0 ? { row, column } : null;
  };
  const open = () => {
    const name = cell.value && rows[cell.value.row]?.name;
    if (name) onSelect(name);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") open();
    const next = moved(cell.value ?? { row: 0, column: 0 }, event, rows.length, matrix.columns);
    if (!next) return;
    event.preventDefault();
    point(next);
    const { name, steps, text } = say(next);
    speech.value = `${name}, ${steps}: ${text}`;
  };

  const at = cell.value;
  return (
    <div
      class="heatmap"
      ref={frame}
      role="application"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it is interactive, see the role
      tabIndex={0}
      aria-label={`Heatmap of ${statistic.label}, ${rows.length} rows by ${matrix.columns} steps. Arrow keys move, Enter opens the row; the table below has the newest values.`}
      onKeyDown={onKeyDown}
      onMouseMove={event => point(cellUnder(event))}
      onMouseLeave={() => point(null)}
      onClick={open}
      onBlur={() => point(null)}
    >
      <canvas ref={canvas} />
      {cursorStep.value !== null && cursorStep.value >= from && cursorStep.value <= to && (
        <i class="heat-cursor" style={{ left: `${left + toPixel(cursorStep.value)}px`, height: `${plotHeight}px` }} />
      )}
      {at && <CellFrame at={at} across={across} down={down} left={left} plotWidth={plotWidth} />}
      {at && <Tooltip at={at} across={across} down={down} left={left} width={width.value} {...say(at)} />}
      <span class="offscreen" role="status">
        {speech.value}
      </span>
    </div>
  );
}

interface Placed {
  at: Cell;
  across: Float64Array;
  down: Float64Array;
  left: number;
}

function CellFrame({ at, across, down, left, plotWidth }: Placed & { plotWidth: number }) {
  const from = Math.max(0, across[at.column] ?? 0);
  const to = Math.min(plotWidth, across[at.column + 1] ?? 0);
  const top = down[at.row] ?? 0;
  const style = {
    left: `${left + from}px`,
    top: `${top}px`,
    width: `${Math.max(2, to - from)}px`,
    height: `${Math.max(2, (down[at.row + 1] ?? 0) - top)}px`,
  };
  return <i class="heat-cell" style={style} />;
}

function Tooltip(props: Placed & { width: number; name: string; steps: string; text: string }) {
  const { at, across, down, left, width, name, steps, text } = props;
  const x = left + Math.max(0, across[at.column] ?? 0);
  const y = down[at.row + 1] ?? 0;
  const side = x > width / 2 ? { right: `${width - x + 6}px` } : { left: `${x + 12}px` };
  return (
    <div class="tooltip" style={{ ...side, top: `${y + 6}px` }} aria-hidden="true">
      <b>{text}</b>
      <span>{name}</span>
      <span class="muted">{steps}</span>
    </div>
  );
}

/** The cell a key leads to; null for keys that do not move. */
export function moved(
  cell: Cell,
  event: Pick<KeyboardEvent, "key" | "shiftKey">,
  rows: number,
  columns: number,
): Cell | null {
  const stride = event.shiftKey ? 10 : 1;
  const moves: Record<string, Cell> = {
    ArrowLeft: { row: cell.row, column: cell.column - stride },
    ArrowRight: { row: cell.row, column: cell.column + stride },
    ArrowUp: { row: cell.row - stride, column: cell.column },
    ArrowDown: { row: cell.row + stride, column: cell.column },
    Home: { row: cell.row, column: 0 },
    End: { row: cell.row, column: columns - 1 },
    PageUp: { row: 0, column: cell.column },
    PageDown: { row: rows - 1, column: cell.column },
  };
  const next = moves[event.key];
  return next
    ? { row: Math.max(0, Math.min(rows - 1, next.row)), column: Math.max(0, Math.min(columns - 1, next.column)) }
    : null;
}
