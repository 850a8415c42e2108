import { expect, test } from "vitest";
import { cellOf, cursorAt } from "../../src/charts/cell_cursor.ts";

const NAMES = ["dense", "dense/kernel", "dense/bias"];

/** Columns of so many steps each, from step 1 on. */
function columnsOf(...widths: number[]) {
  const last = Int32Array.from(widths, (_, i) => widths.slice(0, i + 1).reduce((sum, width) => sum + width, 0));
  return { columns: widths.length, first: last.map((end, i) => end - (widths[i] ?? 0) + 1), last };
}

test("a cell is where it was as long as nothing changed", () => {
  const matrix = columnsOf(1, 2, 3, 4, 5);
  for (let column = 0; column < matrix.columns; column++) {
    const cell = { line: 1, column };
    expect(cellOf(cursorAt(cell, NAMES, matrix), NAMES, matrix)).toEqual(cell);
  }
});

test("more columns at the end leave it on its step", () => {
  const cursor = cursorAt({ line: 2, column: 2 }, NAMES, columnsOf(1, 1, 1));
  expect(cursor).toEqual({ name: "dense/bias", step: 3 });
  expect(cellOf(cursor, NAMES, columnsOf(1, 1, 1, 1, 1))).toEqual({ line: 2, column: 2 });
});

test("columns that are merged anew leave it in the one that holds its step", () => {
  const cursor = cursorAt({ line: 0, column: 4 }, NAMES, columnsOf(2, 2, 2, 2, 2));
  expect(cellOf(cursor, NAMES, columnsOf(4, 4, 4, 4, 4))).toEqual({ line: 0, column: 2 });
  expect(cellOf(cursor, NAMES, columnsOf(...Array(20).fill(1)))).toEqual({ line: 0, column: cursor.step - 1 });
});

test("a step that was dropped gives way to the recorded one next to it", () => {
  const matrix = { columns: 3, first: Int32Array.of(1, 20, 40), last: Int32Array.of(1, 20, 40) };
  expect([1, 9, 29, 31, 999].map(step => cellOf({ name: "dense", step }, NAMES, matrix)?.column)).toEqual([
    0, 0, 1, 2, 2,
  ]);
});

test("other lines around it leave it on its own, and it is nowhere once that is gone", () => {
  const cursor = { name: "dense/kernel", step: 1 };
  expect(cellOf(cursor, ["embedding", ...NAMES], columnsOf(1))).toEqual({ line: 2, column: 0 });
  expect(cellOf(cursor, ["dense"], columnsOf(1))).toBeNull();
  expect(cellOf(cursor, NAMES, columnsOf())).toBeNull();
});
