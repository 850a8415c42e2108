// What does the `setup` route answer? Settings, data, labels and recordings of one run, after decoding.

import { element, Fields } from "./fields.ts";
import type { Steps } from "./wire.ts";

export interface Fact {
  label: string;
  value: string | number;
}

export interface DataSheet {
  columns: { id: string; label: string }[];
  rows: { name: string; kind: string; values: (number | null)[] }[];
}

/** kind: "classes", whose mean is their share, or "values". */
export interface Labels {
  kind: string;
  written: number;
  batches: number;
  rows: { name: string; mean: number | null; std: number | null }[];
}

export interface Recording {
  label: string;
  shown: number;
  written: number;
  steps: Steps | null;
  gap: number | null;
}

export interface Setup {
  run: string;
  groups: { title: string; facts: Fact[] }[];
  data: DataSheet;
  labels: Labels | null;
  recorded: Recording[];
  cadence: string | null;
  cost: { share: number; samples: number | null } | null;
}

export function decodeSetup(answer: unknown): Setup {
  const setup = Fields.of(answer, "setup");
  const cost = setup.objectOrNull("cost");
  const labels = setup.objectOrNull("labels");
  return {
    run: setup.text("run"),
    groups: setup.list("groups", (part, place) => {
      const group = Fields.of(part, place);
      return { title: group.text("title"), facts: group.list("facts", fact) };
    }),
    data: decodeData(setup.object("data")),
    labels: labels && {
      kind: labels.text("kind"),
      written: labels.number("written"),
      batches: labels.number("batches"),
      rows: labels.list("rows", (part, place) => {
        const row = Fields.of(part, place);
        return { name: row.text("name"), mean: row.numberOrNull("mean"), std: row.numberOrNull("std") };
      }),
    },
    recorded: setup.list("recorded", (part, place) => {
      const fields = Fields.of(part, place);
      return {
        label: fields.text("label"),
        shown: fields.number("shown"),
        written: fields.number("written"),
        steps: fields.steps("steps"),
        gap: fields.numberOrNull("gap"),
      };
    }),
    cadence: setup.textOrNumber("cadence")?.toString() ?? null,
    cost: cost && { share: cost.number("share"), samples: cost.numberOrNull("samples") },
  };
}

function fact(part: unknown, place: string): Fact {
  const fields = Fields.of(part, place);
  return { label: fields.text("label"), value: fields.textOrNumber("value") ?? "" };
}

function decodeData(data: Fields): DataSheet {
  return {
    columns: data.list("columns", (part, place) => {
      const column = Fields.of(part, place);
      return { id: column.text("id"), label: column.text("label") };
    }),
    rows: data.list("rows", (part, place) => {
      const row = Fields.of(part, place);
      const values = row.list("values", (value, at) => (value === null ? null : element(value, at)));
      return { name: row.text("name"), kind: row.text("kind"), values };
    }),
  };
}
