// What does the `compare` route answer? Findings and settings of runs side by side, after decoding.

import { CONFIDENCES, SEVERITIES, statistic } from "./decode.ts";
import { Fields, name } from "./fields.ts";
import type { Confidence, Severity, Statistic } from "./wire.ts";

const CHANGES = ["appeared", "worse", "went", "better", "same"] as const;
export type Change = (typeof CHANGES)[number];

export interface Standing {
  confidence: Confidence;
  severity: Severity;
}

export interface ComparedFinding {
  id: string;
  title: string;
  changes: (Change | null)[];
  standings: (Standing | null)[];
}

export interface ComparedSetting {
  group: string;
  label: string;
  values: (string | number | null)[];
}

/** Lists inside the parts have one entry per run, the baseline's first. */
export interface Comparison {
  runs: string[];
  verdicts: { state: string; severity: Severity; headline: string; causeTitle: string }[];
  findings: ComparedFinding[];
  settings: ComparedSetting[];
  statistics: Statistic[];
}

export function decodeComparison(answer: unknown): Comparison {
  const fields = Fields.of(answer, "compare");
  return {
    runs: fields.list("runs", name),
    verdicts: fields.list("verdicts", (part, place) => {
      const verdict = Fields.of(part, place);
      return {
        state: verdict.text("state"),
        severity: verdict.word("severity", SEVERITIES),
        headline: verdict.text("headline"),
        causeTitle: verdict.text("cause_title"),
      };
    }),
    findings: fields.list("findings", (part, place) => {
      const finding = Fields.of(part, place);
      return {
        id: finding.text("id"),
        title: finding.text("title"),
        changes: finding.list("changes", change),
        standings: finding.list("standings", standing),
      };
    }),
    settings: fields.list("settings", (part, place) => {
      const setting = Fields.of(part, place);
      return {
        group: setting.text("group"),
        label: setting.text("label"),
        values: setting.list("values", settingValue),
      };
    }),
    statistics: fields.list("statistics", statistic),
  };
}

function change(part: unknown, place: string): Change | null {
  return part === null ? null : Fields.of({ change: part }, place).word("change", CHANGES);
}

function standing(part: unknown, place: string): Standing | null {
  if (part === null) return null;
  const fields = Fields.of(part, place);
  return { confidence: fields.word("confidence", CONFIDENCES), severity: fields.word("severity", SEVERITIES) };
}

function settingValue(part: unknown, place: string): string | number | null {
  return Fields.of({ value: part }, place).textOrNumber("value");
}
