// What else can be done with a chart: read it as a table, take its numbers or its picture along?

export interface MenuProps {
  title: string;
  isTable: boolean;
  onTable: () => void;
  onCsv: () => void;
  /** Null while there is no picture. */
  onPicture: (() => void) | null;
}

export function ChartMenu({ title, isTable, onTable, onCsv, onPicture }: MenuProps) {
  const act = (action: () => void) => (event: MouseEvent & { currentTarget: HTMLElement }) => {
    const menu = event.currentTarget.closest("details");
    if (menu) menu.open = false;
    action();
  };
  return (
    <details class="chart-menu" onKeyDown={closeOnEscape} onFocusOut={closeOnLeave}>
      <summary aria-label={`${title}: more`}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M3 8h.01M8 8h.01M13 8h.01" />
        </svg>
      </summary>
      <div>
        <button type="button" onClick={act(onTable)}>
          {isTable ? "Show as chart" : "Show as table"}
        </button>
        <button type="button" onClick={act(onCsv)}>
          Download CSV
        </button>
        {onPicture && (
          <button type="button" onClick={act(onPicture)}>
            Download PNG
          </button>
        )}
      </div>
    </details>
  );
}

export function closeOnEscape(event: KeyboardEvent & { currentTarget: HTMLDetailsElement }): void {
  if (event.key !== "Escape" || !event.currentTarget.open) return;
  event.currentTarget.open = false;
  event.currentTarget.querySelector("summary")?.focus();
}

export function closeOnLeave(event: FocusEvent & { currentTarget: HTMLDetailsElement }): void {
  const next = event.relatedTarget;
  if (next instanceof Node && !event.currentTarget.contains(next)) event.currentTarget.open = false;
}
