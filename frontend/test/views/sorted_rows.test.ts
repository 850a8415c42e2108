import { expect, test } from "vitest";
import { sortedRows } from "../../src/views/sorted_rows.ts";
import type { LayerRow } from "../../src/wire.ts";

function row(name: string, value: number | null): LayerRow {
  const latest = { gradient_norm: value };
  return {
    index: 0,
    name,
    kind: "variable",
    layer: name,
    layerKind: "Dense",
    activation: null,
    initializer: null,
    parameters: name.length,
    trainable: true,
    latest,
  };
}

const ROWS = [row("b", 1), row("a", Number.NaN), row("d", Number.POSITIVE_INFINITY), row("c", null), row("e", 0)];

function names(by: string, isDescending: boolean): string {
  return sortedRows(ROWS, { by, isDescending })
    .map(({ name }) => name)
    .join("");
}

test("values sort either way, with infinity as the largest and what has no order last", () => {
  expect(names("gradient_norm", true)).toBe("dbeac");
  expect(names("gradient_norm", false)).toBe("ebdac");
});

test("names sort from A to Z first", () => {
  expect(names("name", true)).toBe("abcde");
  expect(names("name", false)).toBe("edcba");
});
