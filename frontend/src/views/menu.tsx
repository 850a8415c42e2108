// A small menu of further actions, which closes on Escape and when the focus leaves it.

import type { ComponentChildren } from "preact";
import { closeOnEscape, closeOnLeave } from "../charts/chart_menu.tsx";

export function Menu({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <details class="menu" onKeyDown={closeOnEscape} onFocusOut={closeOnLeave}>
      <summary class="quiet">{label}</summary>
      <div>{children}</div>
    </details>
  );
}
