// Which shape stands for which state? Each differs in outline, so that none is told by colour alone.

import type { CheckState, Severity } from "../wire.ts";

/** How a run or a finding feels to the reader: its severity, or what "none" means there. */
export type Tone = "critical" | "warning" | "note" | "good" | "unknown";

const SHAPES: Readonly<Record<Tone, string>> = {
  critical: "M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2zM8 4v5M8 11v1.2",
  warning: "M8 1.6 15.2 14.4H.8zM8 6v4M8 11.6v1.2",
  note: "M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2zM8 7.2v4.6M8 4.2v1.2",
  good: "M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2zM4.8 8.2l2.3 2.3 4.2-4.8",
  unknown: "M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2zM5 8h6",
};

const NAMES: Readonly<Record<Tone, string>> = {
  critical: "Critical",
  warning: "Warning",
  note: "Note",
  good: "Healthy",
  unknown: "Open",
};

/** A run without a finding is either well or not understood; its verdict's state says which. */
export function toneOf(severity: Severity, state: string): Tone {
  if (severity !== "none") return severity;
  return state === "learning" || state === "converged" ? "good" : "unknown";
}

export function toneName(tone: Tone): string {
  return NAMES[tone];
}

export function ToneIcon({ tone }: { tone: Tone }) {
  return (
    <svg class={`icon tone-${tone}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={SHAPES[tone]} />
    </svg>
  );
}

const CHECK_SHAPES: Readonly<Record<CheckState, string>> = {
  found: "M3 2.5h10v11H3zM8 5v3.6M8 10.4v1.2",
  inconclusive: "M2 8c2-4 4-4 6 0s4 4 6 0",
  not_found: "M3 8.6l3.2 3.2L13 4.6",
  not_run: "M3 8h10",
};

export function CheckIcon({ state }: { state: CheckState }) {
  return (
    <svg class={`icon check-${state}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={CHECK_SHAPES[state]} />
    </svg>
  );
}
