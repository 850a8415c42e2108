import { expect, test } from "vitest";
import { cellAt, columnEdges, columnHoles, raster, rowEdges } from "../../src/charts/raster.ts";
import type { Matrix } from "../../src/wire.ts";

function columnsAt(first: number[], last: number[]): Matrix {
  return {
    rows: 0,
    columns: first.length,
    rowIndex: new Uint32Array(),
    first: Int32Array.from(first),
    last: Int32Array.from(last),
    values: new Float32Array(),
  };
}

test("cells fill the pixels they cover", () => {
  const pixels = raster(Uint8Array.of(5, 6, 7, 8), rowEdges(2, 4), rowEdges(2, 2), 4, 2);
  expect([...pixels]).toEqual([5, 5, 6, 6, 7, 7, 8, 8]);
});

test("the largest of the cells that share a pixel wins, so a spike of one column survives", () => {
  const indexes = new Uint8Array(1000).fill(10);
  indexes[503] = 251;
  const pixels = raster(indexes, rowEdges(1000, 100), rowEdges(1, 1), 100, 1);
  expect(pixels.length).toBe(100);
  expect(pixels.filter(index => index === 251).length).toBe(1);
  expect(pixels[50]).toBe(251);
});

test("a spike survives when rows share a pixel too", () => {
  const indexes = new Uint8Array(500).fill(10);
  indexes[123] = 255;
  const pixels = raster(indexes, rowEdges(1, 1), rowEdges(500, 100), 1, 100);
  expect(pixels.filter(index => index === 255).length).toBe(1);
});

test("pixels without a cell stay empty, and cells beyond the plot are left out", () => {
  const pixels = raster(Uint8Array.of(5, 6), Float64Array.of(-3, 2, 4), rowEdges(1, 1), 6, 1);
  expect([...pixels]).toEqual([5, 5, 6, 6, 0, 0]);
});

test("column borders lie halfway between the steps, as far apart as the steps are", () => {
  const edges = columnEdges(columnsAt([10, 20, 100], [10, 20, 100]), step => step);
  expect([...edges]).toEqual([5, 15, 60, 140]);
});

test("columns of merged steps touch", () => {
  const edges = columnEdges(columnsAt([1, 11], [10, 20]), step => step);
  expect(edges[1]).toBe(10.5);
});

test("a single column has a width", () => {
  expect([...columnEdges(columnsAt([7], [7]), step => step)]).toEqual([6.5, 7.5]);
});

test("a position finds its cell, and none outside", () => {
  expect([-1, 0, 4.9, 5, 10].map(position => cellAt(rowEdges(2, 10), position))).toEqual([-1, 0, 0, 1, -1]);
});

test("a window of rows fills the height, and the others lie outside", () => {
  expect([...rowEdges(4, 10, [1, 3])]).toEqual([-5, 0, 5, 10, 15]);
  const pixels = raster(Uint8Array.of(5, 6, 7, 8), rowEdges(1, 1), rowEdges(4, 2, [1, 3]), 1, 2);
  expect([...pixels]).toEqual([6, 7]);
});

test("missing records are a hole between columns, and a change of cadence is none", () => {
  expect(columnHoles(columnsAt([10, 20, 90, 100], [10, 20, 90, 100]))).toEqual([[25, 85]]);
  expect(columnHoles(columnsAt([1, 2, 3, 50, 100, 150], [1, 2, 3, 50, 100, 150]))).toEqual([]);
});
