import { expect, test } from "vitest";
import { decodeSetup } from "../src/setup.ts";

const ANSWER = {
  run: "r",
  groups: [
    {
      title: "Optimizer",
      facts: [
        { label: "Learning rate", value: 0.1 },
        { label: "Name", value: "Infinity" },
      ],
    },
  ],
  data: { columns: [{ id: "max", label: "Largest" }], rows: [{ name: "input:x", kind: "input", values: ["NaN"] }] },
  labels: null,
  recorded: [{ label: "Loss per step", shown: 1, written: 2, steps: null, gap: null }],
  cadence: 5,
  cost: null,
};

test("settings stay texts or numbers as they were sent", () => {
  const { groups, cadence } = decodeSetup(ANSWER);
  expect(groups[0]?.facts.map(({ value }) => value)).toEqual([0.1, "Infinity"]);
  expect(cadence).toBe("5");
});

test("a statistic that was measured as NaN is a number, and what was not recorded is null", () => {
  expect(decodeSetup(ANSWER).data.rows[0]?.values).toEqual([Number.NaN]);
  expect(decodeSetup(ANSWER).labels).toBeNull();
});

test("a wrong field is named with its place", () => {
  expect(() => decodeSetup({ ...ANSWER, recorded: [{ label: 7 }] })).toThrow("setup.recorded[0].label");
});
