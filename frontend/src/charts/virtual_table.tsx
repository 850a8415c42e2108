// How does a table of thousands of rows stay light? Only the rows in view are in the page.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";

/** Up to so many rows are all there, so that the browser's own search finds them. */
const ALL_BELOW = 100;

/** Rows drawn beyond each edge, so that scrolling does not show blanks. */
const BEYOND = 8;

/** What each row's element carries. */
export interface RowAttributes {
  "aria-rowindex": number;
  style: { height: string };
}

interface Props {
  label: string;
  /** Most CSS pixels of the scrolled region. */
  height: number;
  /** CSS pixels of every row. */
  rowHeight: number;
  count: number;
  columns: number;
  head: ComponentChildren;
  row: (index: number, attributes: RowAttributes) => ComponentChildren;
  class?: string;
}

export function VirtualTable({ label, height, rowHeight, count, columns, head, row, class: name = "" }: Props) {
  const scrolled = useSignal(0);
  const isWhole = count <= ALL_BELOW;
  const first = isWhole ? 0 : Math.max(0, Math.min(count, Math.floor(scrolled.value / rowHeight) - BEYOND));
  const end = isWhole ? count : Math.min(count, first + Math.ceil(height / rowHeight) + 2 * BEYOND);
  const indexes = Array.from({ length: end - first }, (_, i) => first + i);
  return (
    <section
      class="scroller"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled region must be reachable from the keyboard
      tabIndex={0}
      style={{ maxHeight: `${height}px` }}
      onScroll={event => {
        // To whole rows: a scrolled pixel alone draws nothing anew.
        scrolled.value = Math.floor(event.currentTarget.scrollTop / rowHeight) * rowHeight;
      }}
    >
      <table class={name} aria-rowcount={count + 1}>
        <thead>{head}</thead>
        <tbody>
          <Spacer rows={first} rowHeight={rowHeight} columns={columns} />
          {indexes.map(index => row(index, { "aria-rowindex": index + 2, style: { height: `${rowHeight}px` } }))}
          <Spacer rows={count - end} rowHeight={rowHeight} columns={columns} />
        </tbody>
      </table>
    </section>
  );
}

function Spacer({ rows, rowHeight, columns }: { rows: number; rowHeight: number; columns: number }) {
  if (rows <= 0) return null;
  return (
    <tr class="spacer">
      <td colSpan={columns} style={{ height: `${rows * rowHeight}px` }} />
    </tr>
  );
}
