// How is a chart of lines walked without a pointer? As a slider over its steps that speaks the values.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { number } from "../format.ts";
import { cursorStep, stepUnit, stepWindow, zoomAround } from "../state.ts";
import { type Line, nearest } from "./align.ts";

interface Props {
  title: string;
  lines: readonly Line[];
  steps: readonly number[];
  children: ComponentChildren;
}

/** Arrow keys move the shared cursor, +, - and 0 zoom. */
export function ChartCursor({ title, lines, steps, children }: Props) {
  const isFocused = useSignal(false);
  const at = cursorStep.value === null ? steps.length - 1 : nearest(steps, cursorStep.value);
  const step = steps[at] ?? 0;
  const go = (index: number) => {
    cursorStep.value = steps[Math.max(0, Math.min(steps.length - 1, index))] ?? null;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const stride = event.shiftKey ? 10 : 1;
    const moves: Record<string, number> = {
      ArrowLeft: at - stride,
      ArrowRight: at + stride,
      Home: 0,
      End: steps.length - 1,
    };
    const next = moves[event.key];
    if (next !== undefined) go(next);
    else if (event.key === "+") zoomAround(step, 2);
    else if (event.key === "-") zoomAround(step, 0.5);
    else if (event.key === "0") stepWindow.value = null;
    else return;
    event.preventDefault();
  };
  return (
    <div
      class="chart-plot"
      role="slider"
      tabIndex={0}
      aria-label={`${title} over ${stepUnit.value}s`}
      aria-valuemin={steps[0] ?? 0}
      aria-valuemax={steps.at(-1) ?? 0}
      aria-valuenow={step}
      aria-valuetext={`${stepUnit.value} ${number(step)}: ${lines.map(line => spoken(line, step)).join(", ")}`}
      onKeyDown={onKeyDown}
      onFocus={() => {
        isFocused.value = true;
      }}
      onBlur={() => {
        if (isFocused.value) cursorStep.value = null;
        isFocused.value = false;
      }}
    >
      {children}
    </div>
  );
}

function spoken(line: Line, step: number): string {
  return `${line.label} ${number(line.values[nearest(line.steps, step)])}`;
}
