// One chart of lines over steps: uPlot, with our legend, finding spans, reference line and shared cursor around it.

import { effect, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import { number } from "../format.ts";
import { theme } from "../host.ts";
import { cursorStep, stepExtent, stepUnit, stepWindow, zoomAround } from "../state.ts";
import { type Aligned, align, type Line, nearest } from "./align.ts";
import { Legend } from "./legend.tsx";
import type { Reference, Span } from "./overlays.ts";
import { options } from "./uplot_options.ts";
import { useWidth } from "./use_width.ts";

interface Props {
  title: string;
  lines: readonly Line[];
  height: number;
  isLog: boolean;
  setLog: (isLog: boolean) => void;
  spans?: readonly Span[];
  reference?: Reference | null;
}

const NO_SPANS: readonly Span[] = [];

export function Curves({ title, lines, height, isLog, setLog, spans = NO_SPANS, reference = null }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const chart = useRef<uPlot | null>(null);
  const aligned = useMemo(() => align(lines, isLog), [lines, isLog]);
  const shown = useRef({ aligned, spans, reference });
  shown.current = { aligned, spans, reference };
  const looks = JSON.stringify([isLog, theme.value, height, spans.length, lines.map(line => [line.id, line.colour])]);

  useEffect(() => {
    const target = plot.current;
    if (!target || !width.value) return;
    const drawn = new uPlot(options(width.value, height, isLog, lines, shown), data(shown.current.aligned), target);
    chart.current = drawn;
    const stopZoom = effect(() => {
      const [min, max] = stepWindow.value ?? stepExtent.value;
      drawn.setScale("x", { min, max: max > min ? max : min + 1 });
    });
    const stopCursor = effect(() => {
      const step = cursorStep.value;
      const left = step === null ? -10 : drawn.valToPos(step, "x");
      if (Math.abs((drawn.cursor.left ?? -10) - left) > 1)
        drawn.setCursor({ left, top: step === null ? -10 : 1 }, false);
    });
    return () => {
      stopZoom();
      stopCursor();
      drawn.destroy();
      chart.current = null;
    };
  }, [looks, width.value]);

  useEffect(() => {
    const drawn = chart.current;
    if (!drawn) return;
    drawn.setData(data(aligned), false);
    const [min, max] = stepWindow.peek() ?? stepExtent.peek();
    drawn.setScale("x", { min, max: max > min ? max : min + 1 });
  }, [aligned, spans, reference]);

  return (
    <div class="chart" ref={frame}>
      <Legend title={title} lines={lines} reference={reference} isLog={isLog} setLog={setLog} />
      <Cursor title={title} lines={lines} steps={aligned.columns[0]}>
        <div ref={plot} aria-hidden="true" style={{ height: `${height}px` }} />
      </Cursor>
    </div>
  );
}

/** The chart as a slider over its steps: arrow keys move the shared cursor, +, - and 0 zoom, values are spoken. */
function Cursor(props: {
  title: string;
  lines: readonly Line[];
  steps: readonly number[];
  children: preact.ComponentChildren;
}) {
  const { title, lines, steps, children } = props;
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

function data(aligned: Aligned): uPlot.AlignedData {
  return aligned.columns as uPlot.AlignedData;
}
