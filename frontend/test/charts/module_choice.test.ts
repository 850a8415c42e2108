import { expect, test } from "vitest";
import { choiceOf, closedBy } from "../../src/charts/module_choice.ts";

const KNOWN = ["a", "a/1", "a/2", "b"];

test("a choice names the few closed modules, or the few open ones", () => {
  expect(choiceOf(new Set(["b"]), KNOWN)).toEqual({ collapsed: ["b"] });
  expect(choiceOf(new Set(["a/1", "a/2", "b"]), KNOWN)).toEqual({ expanded: ["a"] });
});

test("all open and all closed are the shortest", () => {
  expect(choiceOf(new Set(), KNOWN)).toEqual({ collapsed: [] });
  expect(choiceOf(new Set(KNOWN), KNOWN)).toEqual({ expanded: [] });
});

test.each([[], ["b"], ["a", "a/2"], ["a/1", "a/2", "b"], KNOWN].map(closed => [closed]))(
  "what was closed comes back: %j",
  closed => {
    expect([...closedBy(choiceOf(new Set(closed), KNOWN), KNOWN)]).toEqual(closed);
  },
);

test("modules that this model does not have are left out", () => {
  expect([...closedBy({ collapsed: ["gone", "b", "constructor"] }, KNOWN)]).toEqual(["b"]);
  expect([...closedBy({ expanded: ["gone", "a"] }, KNOWN)]).toEqual(["a/1", "a/2", "b"]);
});
