import { expect, test } from "vitest";
import { sparkline } from "../../src/charts/sparkline.tsx";

test("a line spans its box, and NaN is a tick that breaks it", () => {
  const { line, breaks } = sparkline([0, 1, Number.NaN, 1], false);
  expect(line).toBe("M2.0 16.0L28.7 2.0M82.0 2.0");
  expect(breaks).toBe("M55.3 0v5");
});

test("of many values the largest of each place is drawn, so a spike survives", () => {
  const values = new Float32Array(2000).fill(1);
  values[777] = 5;
  expect(sparkline(values, false).line).toContain(" 2.0L");
});

test("a zero has no logarithm: the line is broken and nothing is marked", () => {
  const { line, breaks } = sparkline([1, 0, 10], true);
  expect(line.match(/M/g)).toHaveLength(2);
  expect(breaks).toBe("");
});
