// One chart of lines over steps: uPlot, with our legend, finding spans, reference line and shared cursor around it.

import { effect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import { downloadCsv, downloadPicture } from "../download.ts";
import { theme } from "../host.ts";
import {
  cursorStep,
  highlightedSpan,
  logSteps,
  selectedRun,
  stepExtent,
  stepUnit,
  stepWindow,
  zoomAt,
} from "../state.ts";
import { type Aligned, align, type Line } from "./align.ts";
import { ChartCursor } from "./chart_cursor.tsx";
import { isLog, isTable, setLog, toggleTable } from "./chart_looks.ts";
import { Legend } from "./legend.tsx";
import { linesCsv } from "./lines_csv.ts";
import { LANE_HEIGHT, type Reference, type Span } from "./overlays.ts";
import { chartPicture } from "./picture.ts";
import { SeriesTable } from "./series_table.tsx";
import { options } from "./uplot_options.ts";
import { useSeen } from "./use_seen.ts";
import { useWidth } from "./use_width.ts";

interface Props {
  /** Unlike any other chart's, and the same in every run. */
  id: string;
  title: string;
  lines: readonly Line[];
  /** CSS pixels of the plot, without the findings' lanes. */
  height: number;
  /** Whether the axis is logarithmic as long as the reader says nothing. */
  startsLog: boolean;
  spans?: readonly Span[];
  /** Whether each span has a lane with its name above the plot. */
  hasLanes?: boolean;
  reference?: Reference | null;
}

const NO_SPANS: readonly Span[] = [];

export function Curves(props: Props) {
  const { id, title, lines, startsLog, spans = NO_SPANS, hasLanes = false, reference = null } = props;
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const isSeen = useSeen(frame);
  const chart = useRef<uPlot | null>(null);
  const isLogarithmic = isLog(id, startsLog);
  const asTable = isTable(id);
  const isLogSteps = logSteps.value;
  const height = props.height + (hasLanes ? LANE_HEIGHT * spans.length : 0);
  const aligned = useMemo(() => align(lines, isLogarithmic), [lines, isLogarithmic]);
  const gaps = useMemo(() => lines.map(holesOf), [lines]);
  const shown = useRef({ aligned, gaps, spans, hasLanes, reference });
  shown.current = { aligned, gaps, spans, hasLanes, reference };
  const looks = JSON.stringify([
    [isLogarithmic, isLogSteps, theme.value, height, spans.length, asTable],
    lines.map(line => [line.id, line.colour, line.low !== null]),
  ]);

  useEffect(() => {
    const target = plot.current;
    if (!target || !width.value) return;
    const drawn = new uPlot(
      options(width.value, height, { isLog: isLogarithmic, isLogSteps }, lines, shown),
      data(shown.current.aligned),
      target,
    );
    chart.current = drawn;
    const lit = drawn.under.appendChild(Object.assign(document.createElement("i"), { className: "lit" }));
    const stopZoom = effect(() => {
      if (!isSeen.value) return;
      showWindow(drawn, stepWindow.value ?? stepExtent.value);
      light(drawn, lit);
    });
    const stopCursor = effect(() => {
      if (!isSeen.value) return;
      const step = cursorStep.value;
      const left = step === null ? -10 : drawn.valToPos(step, "x");
      if (Math.abs((drawn.cursor.left ?? -10) - left) > 1)
        drawn.setCursor({ left, top: step === null ? -10 : 1 }, false);
    });
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoomAt(drawn.posToVal(event.clientX - drawn.over.getBoundingClientRect().left, "x"), 2 ** (-event.deltaY / 200));
    };
    drawn.over.addEventListener("wheel", onWheel, { passive: false });
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
    showWindow(drawn, stepWindow.peek() ?? stepExtent.peek());
  }, [aligned, spans, reference]);

  const fullTitle = `${title} of ${selectedRun.value}`;
  const picture = () => {
    const canvas = chart.current?.ctx.canvas;
    if (canvas) downloadPicture(fullTitle, chartPicture(canvas, fullTitle, lines, stepUnit.peek()));
  };
  return (
    <div class="chart" ref={frame}>
      <Legend
        title={title}
        lines={lines}
        reference={reference}
        isLog={isLogarithmic}
        setLog={log => setLog(id, log)}
        menu={{
          isTable: asTable,
          onTable: () => toggleTable(id),
          onCsv: () => downloadCsv(fullTitle, linesCsv(lines, stepUnit.peek())),
          onPicture: asTable ? null : picture,
        }}
      />
      {asTable ? (
        <SeriesTable title={title} lines={lines} height={height} />
      ) : (
        <ChartCursor title={title} lines={lines} steps={aligned.columns[0]}>
          <div ref={plot} aria-hidden="true" style={{ height: `${height}px` }} />
        </ChartCursor>
      )}
    </div>
  );
}

function holesOf({ steps, gaps }: Line): [number, number][] {
  return gaps.map(place => [steps[place] ?? 0, steps[place + 1] ?? 0]);
}

function showWindow(chart: uPlot, [min, max]: readonly [number, number]): void {
  chart.setScale("x", { min, max: max > min ? max : min + 1 });
}

/** The steps of the finding under the pointer. */
function light(chart: uPlot, lit: HTMLElement): void {
  const span = highlightedSpan.value;
  lit.hidden = !span;
  if (!span) return;
  const place = (step: number) => Math.max(0, Math.min(chart.under.clientWidth, chart.valToPos(step, "x")));
  lit.style.left = `${place(span[0])}px`;
  lit.style.width = `${Math.max(2, place(span[1]) - place(span[0]))}px`;
  lit.style.height = "100%";
}

function data(aligned: Aligned): uPlot.AlignedData {
  return aligned.columns as uPlot.AlignedData;
}
