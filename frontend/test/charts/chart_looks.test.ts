import { beforeEach, expect, test } from "vitest";
import { chartLooks, isLog, isTable, setLog, toggleTable } from "../../src/charts/chart_looks.ts";

beforeEach(() => {
  chartLooks.value = {};
});

test("a chart is as it starts until the reader says otherwise", () => {
  expect([isLog("norm", true), isLog("norm", false), isTable("norm")]).toEqual([true, false, false]);
  setLog("norm", false);
  setLog("loss", true);
  expect([isLog("norm", true), isLog("loss", false), isLog("other", true)]).toEqual([false, true, true]);
});

test("what is taken back leaves nothing behind", () => {
  toggleTable("loss");
  toggleTable("norm");
  toggleTable("loss");
  expect(chartLooks.value).toEqual({ tables: ["norm"] });
  toggleTable("norm");
  expect(chartLooks.value).toEqual({});
});

test("an axis that was set twice stands as it was set last", () => {
  setLog("norm", false);
  setLog("norm", true);
  expect(chartLooks.value).toEqual({ logs: ["norm"] });
});
