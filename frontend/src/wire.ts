// What does the backend answer? The types of tb_lossdiag/plugin/http_api.md, after decoding.

export type Severity = "critical" | "warning" | "note" | "none";
export type Confidence = "confirmed" | "likely" | "possible" | "ruled_out";
export type CheckState = "found" | "not_found" | "inconclusive" | "not_run";
export type Scale = "log" | "share" | "linear" | "count";
export type Steps = readonly [first: number, last: number];

export interface RunSummary {
  name: string;
  state: string;
  severity: Severity;
  headline: string;
  causeTitle: string;
  lastStep: number;
  wallTime: number;
  source: string;
  problem: string;
}

/** Whether the run's verdict is still being made. */
export function isPending({ state }: RunSummary): boolean {
  return state === "pending";
}

export interface Evidence {
  text: string;
  value: number | null;
  threshold: number | null;
  unit: string;
  source: string;
  layers: string[];
  steps: Steps | null;
}

export interface Cause {
  id: string;
  title: string;
  confidence: Confidence;
  severity: Severity;
  evidenceFor: Evidence[];
  evidenceAgainst: Evidence[];
  onset: number | null;
  layers: string[];
  steps: Steps | null;
  test: string;
  fix: { text: string; code: string };
  /** How often it was right, of how often it was named first, in calibration runs. */
  right: [number, number] | null;
}

export interface Check {
  id: string;
  title: string;
  state: CheckState;
  evidence: Evidence[];
  onset: number | null;
  layers: string[];
  needs: string;
}

/** When a check crossed its threshold and stayed beyond it. */
export interface Signal {
  check: string;
  title: string;
  onset: number;
  last: number | null;
  layers: string[];
  /** Ids of the causes it speaks for. */
  causes: string[];
}

export interface Report {
  run: string;
  severity: Severity;
  verdict: { state: string; headline: string; cause: string | null; action: string };
  causes: Cause[];
  checks: Check[];
  timeline: Signal[];
  notes: string[];
  /** What the best constant guess scores, derived or measured. */
  constantLoss: number | null;
  /** Where that is not known: what the outputs score when they are dealt to other examples. */
  shuffledLoss: number | null;
}

export interface Series {
  id: string;
  label: string;
  unit: string;
  group: string;
  steps: number[];
  values: number[];
  /** Smallest and largest of what each value stands for; null where nothing was merged. */
  low: number[] | null;
  high: number[] | null;
  /** Places in `steps` after which records are missing. */
  gaps: number[];
  shown: number;
  written: number;
}

/** Every statistic of one layer: a chart each, a line per row. */
export interface LayerCharts {
  run: string;
  layer: string;
  charts: { statistic: string; series: Series[] }[];
}

/** How one quantity of a row was distributed. */
export interface Histogram {
  id: string;
  label: string;
  steps: number[];
  /** Borders of the buckets in ascending order; both are 0 for the values that are exactly 0. */
  low: number[];
  high: number[];
  /** By step, of the values in each bucket. */
  shares: number[][];
  /** By step, the share of NaN and Inf. */
  nonfinite: number[];
  shown: number;
  recorded: number;
}

export interface RowHistograms {
  run: string;
  row: number;
  name: string;
  quantities: Histogram[];
}

export interface SeriesAnswer {
  run: string;
  stepUnit: string;
  series: Series[];
}

export interface Statistic {
  id: string;
  label: string;
  unit: string;
  kind: string;
  scale: Scale;
  healthy: number | null;
  /** Ids of the checks whose evidence is this number. */
  checks: string[];
}

export interface LayerRow {
  index: number;
  name: string;
  kind: string;
  layer: string;
  layerKind: string;
  activation: string | null;
  initializer: string | null;
  parameters: number | null;
  trainable: boolean;
  latest: Readonly<Record<string, number | null>>;
}

export interface LayersAnswer {
  run: string;
  steps: { shown: number; written: number; first: number; last: number };
  statistics: Statistic[];
  rows: LayerRow[];
}

/** One statistic over rows and step columns. values: rows x columns, row by row. */
export interface Matrix {
  rows: number;
  columns: number;
  rowIndex: Uint32Array;
  first: Int32Array;
  last: Int32Array;
  values: Float32Array;
}
