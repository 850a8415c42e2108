import { expect, test } from "vitest";
import { including, moved, shifted, zoomedLines } from "../../src/charts/heatmap_keys.ts";

const key = (name: string, shiftKey = false) => ({ key: name, shiftKey });

test("arrows move by a cell, with Shift by ten, and never beyond an edge", () => {
  expect(moved({ line: 1, column: 1 }, key("ArrowDown"), 3, 9)).toEqual({ line: 2, column: 1 });
  expect(moved({ line: 1, column: 1 }, key("ArrowRight", true), 3, 9)).toEqual({ line: 1, column: 8 });
  expect(moved({ line: 1, column: 1 }, key("PageUp"), 3, 9)).toEqual({ line: 0, column: 1 });
  expect(moved({ line: 1, column: 1 }, key("a"), 3, 9)).toBeNull();
});

test("zooming shows half as many lines around the one in hand, and all of them in the end", () => {
  expect(zoomedLines([0, 100], 80, 2, 100)).toEqual([50, 100]);
  expect(zoomedLines([0, 100], 30, 2, 100)).toEqual([6, 56]);
  expect(zoomedLines([6, 56], 30, 0.5, 100)).toBeNull();
  expect(zoomedLines([0, 4], 1, 2, 100)).toEqual([0, 4]);
});

test("a window moves as far as there are lines, and no further than needed to show one", () => {
  expect(shifted([10, 20], 95, 100)).toEqual([90, 100]);
  expect(including([10, 20], 25, 100)).toEqual([16, 26]);
  expect(including([10, 20], 5, 100)).toEqual([5, 15]);
  expect(including([10, 20], 12, 100)).toEqual([10, 20]);
});
