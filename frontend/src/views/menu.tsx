// A small menu of further actions, which closes on Escape and when the focus leaves it.

import type { ComponentChildren } from "preact";

export function Menu({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <details class="menu" onKeyDown={closeOnEscape} onFocusOut={closeOnLeave}>
      <summary class="quiet">{label}</summary>
      <div>{children}</div>
    </details>
  );
}

function closeOnEscape(event: KeyboardEvent & { currentTarget: HTMLDetailsElement }): void {
  if (event.key !== "Escape" || !event.currentTarget.open) return;
  event.currentTarget.open = false;
  event.currentTarget.querySelector("summary")?.focus();
}

function closeOnLeave(event: FocusEvent & { currentTarget: HTMLDetailsElement }): void {
  const next = event.relatedTarget;
  if (next instanceof Node && !event.currentTarget.contains(next)) event.currentTarget.open = false;
}
