import { expect, test } from "vitest";
import { pieces } from "../../src/charts/breakable.tsx";

test("a name breaks after its separators and stays the same name", () => {
  expect(pieces("sweep/learning_rate-0.01")).toEqual(["sweep/", "learning_", "rate-", "0.01"]);
  expect(pieces("healthy")).toEqual(["healthy"]);
});
