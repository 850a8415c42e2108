// Where does a key lead in the heatmap?

/** Line and column of the matrix. */
export interface Cell {
  line: number;
  column: number;
}

/** The cell a key leads to; null for keys that do not move. */
export function moved(
  cell: Cell,
  event: Pick<KeyboardEvent, "key" | "shiftKey">,
  lines: number,
  columns: number,
): Cell | null {
  const { line, column } = cell;
  const stride = event.shiftKey ? 10 : 1;
  const moves: Record<string, Cell> = {
    ArrowLeft: { line, column: column - stride },
    ArrowRight: { line, column: column + stride },
    ArrowUp: { line: line - stride, column },
    ArrowDown: { line: line + stride, column },
    Home: { line, column: 0 },
    End: { line, column: columns - 1 },
    PageUp: { line: 0, column },
    PageDown: { line: lines - 1, column },
  };
  const next = moves[event.key];
  return next ? { line: clamp(next.line, 0, lines - 1), column: clamp(next.column, 0, columns - 1) } : null;
}

/** Fewest lines that a zoomed heatmap shows. */
const FEWEST_LINES = 4;

/** The lines [first, end) after zooming by a factor around one of them; null when that is all of them. */
export function zoomedLines(
  [first, end]: readonly [number, number],
  line: number,
  factor: number,
  lines: number,
): [number, number] | null {
  const size = Math.max(Math.min(FEWEST_LINES, lines), Math.round((end - first) / factor));
  return size >= lines ? null : shifted([first, first + size], line + 0.5 - size / 2 - first, lines);
}

/** The window moved by so many lines, as far as there are any. */
export function shifted([first, end]: readonly [number, number], by: number, lines: number): [number, number] {
  const start = clamp(Math.round(first + by), 0, Math.max(0, lines - (end - first)));
  return [start, start + end - first];
}

/** The window moved no further than needed to show a line. */
export function including([first, end]: readonly [number, number], line: number, lines: number): [number, number] {
  if (line < first) return shifted([first, end], line - first, lines);
  return line >= end ? shifted([first, end], line + 1 - end, lines) : [first, end];
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
