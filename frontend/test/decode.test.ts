import { expect, test } from "vitest";
import { decodeHistograms, decodeLayers, decodeMatrix, decodeReport, decodeRuns, decodeSeries } from "../src/decode.ts";

const RUN = {
  name: "<b>",
  state: "stalled",
  severity: "critical",
  headline: "…",
  cause: null,
  cause_title: null,
  last_step: 400,
  wall_time: 1,
  source: "recorded",
  problem: "",
};

const EVIDENCE = { text: "t", value: "NaN", threshold: null, unit: "", source: "", layers: ["a"], steps: [1, 2] };

const CAUSE = {
  id: "c",
  title: "C",
  confidence: "likely",
  severity: "warning",
  evidence_for: [EVIDENCE],
  evidence_against: [],
  onset: null,
  layers: [],
  steps: null,
  test: "",
  fix: { text: "", code: "" },
  right: [41, 44],
};

const REPORT = {
  run: "r",
  severity: "none",
  verdict: { state: "learning", headline: "h", cause: null, action: "" },
  causes: [CAUSE],
  checks: [{ id: "k", title: "K", state: "not_run", evidence: [], onset: null, layers: [], needs: "n", signs: {} }],
  symptoms: [],
  timeline: [{ check: "k", title: "K", onset: 7, last: null, layers: [], causes: ["c"] }],
  notes: [],
  facts: { constant_loss: 2.3, shuffled_loss: 4.6 },
};

test("the run list keeps the backend's order and names", () => {
  const runs = decodeRuns({ runs: [RUN, { ...RUN, name: "NaN" }] });
  expect(runs.map(run => run.name)).toEqual(["<b>", "NaN"]);
  expect(runs[0]?.causeTitle).toBe("");
});

test("a report's non-finite numbers become numbers and its texts stay texts", () => {
  const report = decodeReport({ ...REPORT, run: "Infinity" });
  expect(report.run).toBe("Infinity");
  expect([report.constantLoss, report.shuffledLoss]).toEqual([2.3, 4.6]);
  expect(report.causes[0]?.evidenceFor[0]).toMatchObject({ value: Number.NaN, threshold: null, steps: [1, 2] });
});

test("the order of events comes from the backend", () => {
  expect(decodeReport(REPORT).timeline).toEqual(REPORT.timeline);
});

test("a wrong field is named with its place and its value", () => {
  const causes = [{ ...CAUSE, evidence_for: [{ ...EVIDENCE, text: 5 }] }];
  expect(() => decodeReport({ ...REPORT, causes })).toThrow(
    "report.causes[0].evidence_for[0].text: expected a text, got 5",
  );
  expect(() => decodeReport({ ...REPORT, severity: "fatal" })).toThrow("report.severity: expected one of critical");
  expect(() => decodeRuns({ runs: null })).toThrow("runs.runs: expected a list, got null");
  expect(() => decodeRuns([])).toThrow("runs: expected an object, got []");
});

test("a series needs as many values as steps", () => {
  const series = {
    id: "loss",
    label: "Loss",
    unit: "",
    group: "loss",
    steps: [1, 2],
    values: [1],
    low: null,
    high: null,
    gaps: [],
    shown: 2,
    written: 2,
  };
  expect(() => decodeSeries({ run: "r", step_unit: "step", series: [series] })).toThrow("2 steps but 1 values");
  const answer = decodeSeries({ run: "r", step_unit: "step", series: [{ ...series, values: [1, "-Infinity"] }] });
  expect(answer.series[0]?.values).toEqual([1, Number.NEGATIVE_INFINITY]);
  const cut = { ...series, values: [1, 2], high: [3] };
  expect(() => decodeSeries({ run: "r", step_unit: "step", series: [cut] })).toThrow("2 steps but 1 in high");
});

test("an empty layer table has no first step", () => {
  const steps = { shown: 0, written: 0, first: null, last: null };
  expect(decodeLayers({ run: "r", steps, statistics: [], rows: [] }).steps).toEqual({ ...steps, first: 0, last: 0 });
});

test("a row's newest values keep null apart from NaN", () => {
  const row = {
    index: 0,
    name: "d",
    kind: "output",
    layer: "d",
    layer_kind: "Dense",
    activation: null,
    initializer: null,
  };
  const rows = [{ ...row, parameters: 3, trainable: true, latest: { a: null, b: "NaN", c: 1 } }];
  const answer = decodeLayers({ run: "r", steps: { shown: 1, written: 1, first: 1, last: 1 }, statistics: [], rows });
  expect(answer.rows[0]?.latest).toEqual({ a: null, b: Number.NaN, c: 1 });
});

function matrixBytes(): ArrayBuffer {
  const bytes = new ArrayBuffer(4 * (2 + 2 + 3 + 3 + 6));
  new Uint32Array(bytes, 0, 4).set([2, 3, 4, 9]);
  new Int32Array(bytes, 16, 6).set([1, 11, 21, 10, 20, 30]);
  new Float32Array(bytes, 40, 6).set([1, 2, 3, 4, Number.NaN, Number.POSITIVE_INFINITY]);
  return bytes;
}

test("a matrix is read from its bytes", () => {
  const matrix = decodeMatrix(matrixBytes());
  expect([matrix.rows, matrix.columns]).toEqual([2, 3]);
  expect([...matrix.rowIndex]).toEqual([4, 9]);
  expect([[...matrix.first], [...matrix.last]]).toEqual([
    [1, 11, 21],
    [10, 20, 30],
  ]);
  expect([...matrix.values]).toEqual([1, 2, 3, 4, Number.NaN, Number.POSITIVE_INFINITY]);
});

test("a matrix cut short is refused with both lengths", () => {
  expect(() => decodeMatrix(matrixBytes().slice(0, 60))).toThrow("60 bytes, expected 64 for 2 rows and 3 columns");
  expect(() => decodeMatrix(new ArrayBuffer(4))).toThrow("4 bytes");
});

test("a histogram has a share per bucket and step, and endless outer buckets", () => {
  const gradient = {
    id: "gradient",
    label: "Gradient",
    steps: [1, 100],
    low: ["-Infinity", 0],
    high: [-0.25, 0],
    shares: [
      [0.5, 0.5],
      [0, 0.9],
    ],
    nonfinite: [0, 0.1],
    shown: 2,
    recorded: 2,
  };
  const answer = (change: object) => ({ run: "r", row: 0, name: "a", quantities: [{ ...gradient, ...change }] });
  expect(decodeHistograms(answer({})).quantities[0]).toEqual({ ...gradient, low: [Number.NEGATIVE_INFINITY, 0] });
  const place = "histograms.quantities[0]";
  expect(() => decodeHistograms(answer({ shares: [[1, 0], [1]] }))).toThrow(`${place}.shares[1]: 1 for 2 buckets`);
  expect(() => decodeHistograms(answer({ shares: [[1, 0], 5] }))).toThrow(`${place}.shares[1]: expected a list, got 5`);
  expect(() => decodeHistograms(answer({ nonfinite: [0] }))).toThrow(`${place}.nonfinite: 1 for 2 steps`);
  expect(() => decodeHistograms(answer({ high: [0] }))).toThrow(`${place}.high: 1 for 2 buckets`);
});
