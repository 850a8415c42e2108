// Is this answer what the contract says? Unknown bytes in, wire types out; a wrong field is named in the error.

import { element, Fields, name } from "./fields.ts";
import type {
  Cause,
  Check,
  CheckState,
  Confidence,
  Evidence,
  Histogram,
  LayerCharts,
  LayerRow,
  LayersAnswer,
  Matrix,
  Report,
  RowHistograms,
  RunSummary,
  Scale,
  Series,
  SeriesAnswer,
  Severity,
  Signal,
  Statistic,
} from "./wire.ts";

export const SEVERITIES: readonly Severity[] = ["critical", "warning", "note", "none"];
export const CONFIDENCES: readonly Confidence[] = ["confirmed", "likely", "possible", "ruled_out"];
const CHECK_STATES: readonly CheckState[] = ["found", "not_found", "inconclusive", "not_run"];
const SCALES: readonly Scale[] = ["log", "share", "linear", "count"];

export function decodeRuns(answer: unknown): RunSummary[] {
  return Fields.of(answer, "runs").list("runs", (part, place) => {
    const run = Fields.of(part, place);
    return {
      name: run.text("name"),
      state: run.text("state"),
      severity: run.word("severity", SEVERITIES),
      headline: run.text("headline"),
      causeTitle: run.textOrNull("cause_title") ?? "",
      lastStep: run.number("last_step"),
      wallTime: run.number("wall_time"),
      source: run.text("source"),
      problem: run.text("problem"),
    };
  });
}

export function decodeReport(answer: unknown): Report {
  const report = Fields.of(answer, "report");
  const verdict = report.object("verdict");
  return {
    run: report.text("run"),
    severity: report.word("severity", SEVERITIES),
    verdict: {
      state: verdict.text("state"),
      headline: verdict.text("headline"),
      cause: verdict.textOrNull("cause"),
      action: verdict.text("action"),
    },
    causes: report.list("causes", cause),
    checks: report.list("checks", check),
    timeline: report.list("timeline", timelineSignal),
    notes: report.list("notes", name),
    constantLoss: report.object("facts").numberOrNull("constant_loss"),
    shuffledLoss: report.object("facts").numberOrNull("shuffled_loss"),
  };
}

function evidence(part: unknown, place: string): Evidence {
  const fields = Fields.of(part, place);
  return {
    text: fields.text("text"),
    value: fields.numberOrNull("value"),
    threshold: fields.numberOrNull("threshold"),
    unit: fields.text("unit"),
    source: fields.text("source"),
    layers: fields.list("layers", name),
    steps: fields.steps("steps"),
  };
}

function cause(part: unknown, place: string): Cause {
  const fields = Fields.of(part, place);
  const fix = fields.object("fix");
  return {
    id: fields.text("id"),
    title: fields.text("title"),
    confidence: fields.word("confidence", CONFIDENCES),
    severity: fields.word("severity", SEVERITIES),
    evidenceFor: fields.list("evidence_for", evidence),
    evidenceAgainst: fields.list("evidence_against", evidence),
    onset: fields.numberOrNull("onset"),
    layers: fields.list("layers", name),
    steps: fields.steps("steps"),
    test: fields.text("test"),
    fix: { text: fix.text("text"), code: fix.text("code") },
    right: fields.pair("right", "[times right, times named first]"),
  };
}

function check(part: unknown, place: string): Check {
  const fields = Fields.of(part, place);
  return {
    id: fields.text("id"),
    title: fields.text("title"),
    state: fields.word("state", CHECK_STATES),
    evidence: fields.list("evidence", evidence),
    onset: fields.numberOrNull("onset"),
    layers: fields.list("layers", name),
    needs: fields.text("needs"),
  };
}

function timelineSignal(part: unknown, place: string): Signal {
  const fields = Fields.of(part, place);
  return {
    check: fields.text("check"),
    title: fields.text("title"),
    onset: fields.number("onset"),
    last: fields.numberOrNull("last"),
    layers: fields.list("layers", name),
    causes: fields.list("causes", name),
  };
}

export function decodeSeries(answer: unknown): SeriesAnswer {
  const fields = Fields.of(answer, "series");
  return {
    run: fields.text("run"),
    stepUnit: fields.text("step_unit"),
    series: fields.list("series", series),
  };
}

function series(part: unknown, place: string): Series {
  const fields = Fields.of(part, place);
  const steps = fields.list("steps", element);
  const values = fields.list("values", element);
  if (steps.length !== values.length) {
    throw new TypeError(`${place}: ${steps.length} steps but ${values.length} values`);
  }
  return {
    id: fields.text("id"),
    label: fields.text("label"),
    unit: fields.text("unit"),
    group: fields.text("group"),
    steps,
    values,
    low: bound(fields, "low", steps.length, place),
    high: bound(fields, "high", steps.length, place),
    gaps: fields.list("gaps", element),
    shown: fields.number("shown"),
    written: fields.number("written"),
  };
}

function bound(fields: Fields, key: "low" | "high", length: number, place: string): number[] | null {
  const values = fields.listOrNull(key, element);
  if (values && values.length !== length)
    throw new TypeError(`${place}: ${length} steps but ${values.length} in ${key}`);
  return values;
}

export function decodeLayerCharts(answer: unknown): LayerCharts {
  const fields = Fields.of(answer, "layer");
  return {
    run: fields.text("run"),
    layer: fields.text("layer"),
    charts: fields.list("charts", (part, place) => {
      const chart = Fields.of(part, place);
      return { statistic: chart.text("statistic"), series: chart.list("series", series) };
    }),
  };
}

export function decodeHistograms(answer: unknown): RowHistograms {
  const fields = Fields.of(answer, "histograms");
  return {
    run: fields.text("run"),
    row: fields.number("row"),
    name: fields.text("name"),
    quantities: fields.list("quantities", histogram),
  };
}

function histogram(part: unknown, place: string): Histogram {
  const fields = Fields.of(part, place);
  const steps = fields.list("steps", element);
  const low = fields.list("low", element);
  const shares = fields.list("shares", (line, at) => {
    if (!Array.isArray(line)) throw new TypeError(`${at}: expected a list, got ${JSON.stringify(line)}`);
    sameLength(low, line, "buckets", at);
    return line.map((share, i) => element(share, `${at}[${i}]`));
  });
  const high = fields.list("high", element);
  const nonfinite = fields.list("nonfinite", element);
  sameLength(low, high, "buckets", `${place}.high`);
  sameLength(steps, shares, "steps", `${place}.shares`);
  sameLength(steps, nonfinite, "steps", `${place}.nonfinite`);
  return {
    id: fields.text("id"),
    label: fields.text("label"),
    steps,
    low,
    high,
    shares,
    nonfinite,
    shown: fields.number("shown"),
    recorded: fields.number("recorded"),
  };
}

function sameLength(known: readonly unknown[], other: readonly unknown[], noun: string, place: string): void {
  if (known.length !== other.length) throw new TypeError(`${place}: ${other.length} for ${known.length} ${noun}`);
}

export function decodeLayers(answer: unknown): LayersAnswer {
  const fields = Fields.of(answer, "layers");
  const steps = fields.object("steps");
  return {
    run: fields.text("run"),
    steps: {
      shown: steps.number("shown"),
      written: steps.number("written"),
      first: steps.numberOrNull("first") ?? 0,
      last: steps.numberOrNull("last") ?? 0,
    },
    statistics: fields.list("statistics", statistic),
    rows: fields.list("rows", layerRow),
  };
}

export function statistic(part: unknown, place: string): Statistic {
  const fields = Fields.of(part, place);
  return {
    id: fields.text("id"),
    label: fields.text("label"),
    unit: fields.text("unit"),
    kind: fields.text("kind"),
    scale: fields.word("scale", SCALES),
    healthy: fields.numberOrNull("healthy"),
    checks: fields.list("checks", name),
  };
}

function layerRow(part: unknown, place: string): LayerRow {
  const fields = Fields.of(part, place);
  return {
    index: fields.number("index"),
    name: fields.text("name"),
    kind: fields.text("kind"),
    layer: fields.text("layer"),
    layerKind: fields.textOrNull("layer_kind") ?? "",
    activation: fields.textOrNull("activation"),
    initializer: fields.textOrNull("initializer"),
    parameters: fields.numberOrNull("parameters"),
    trainable: fields.flag("trainable"),
    latest: fields.object("latest").numbers(),
  };
}

/** The binary answer of `matrix`: little endian, as every browser's typed arrays are in practice. */
export function decodeMatrix(bytes: ArrayBuffer): Matrix {
  if (bytes.byteLength < 8) throw new TypeError(`matrix: ${bytes.byteLength} bytes, expected at least 8`);
  const [rows = 0, columns = 0] = new Uint32Array(bytes, 0, 2);
  const expected = 4 * (2 + rows + 2 * columns + rows * columns);
  if (bytes.byteLength !== expected) {
    throw new TypeError(
      `matrix: ${bytes.byteLength} bytes, expected ${expected} for ${rows} rows and ${columns} columns`,
    );
  }
  const firstAt = 8 + 4 * rows;
  const lastAt = firstAt + 4 * columns;
  return {
    rows,
    columns,
    rowIndex: new Uint32Array(bytes, 8, rows),
    first: new Int32Array(bytes, firstAt, columns),
    last: new Int32Array(bytes, lastAt, columns),
    values: new Float32Array(bytes, lastAt + 4 * columns, rows * columns),
  };
}
