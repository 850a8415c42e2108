import { expect, test } from "vitest";
import { closedAtFirst, layerLines, modulePaths, modulesAround, READABLE_LINES } from "../../src/charts/layer_tree.ts";
import type { LayerRow } from "../../src/wire.ts";

function rows(...names: string[]): LayerRow[] {
  return names.map((name, index) => ({
    index,
    name,
    kind: "variable",
    layer: name.slice(0, name.lastIndexOf("/")),
    layerKind: "Dense",
    activation: null,
    initializer: null,
    parameters: 1,
    trainable: true,
    latest: {},
  }));
}

const NESTED = rows(
  "net/a/x/kernel",
  "net/a/y/kernel",
  "net/b/inner/z/kernel",
  "net/b/inner/w/kernel",
  "net/out/kernel",
);
const NONE = new Set<string>();

test("rows stand under the modules that hold more than one of them, without the one that holds everything", () => {
  expect(layerLines(NESTED, NONE).map(({ label, depth, isGroup }) => [label, depth, isGroup])).toEqual([
    ["net/a", 0, true],
    ["x/kernel", 1, false],
    ["y/kernel", 1, false],
    ["net/b/inner", 0, true],
    ["z/kernel", 1, false],
    ["w/kernel", 1, false],
    ["net/out/kernel", 0, false],
  ]);
});

test("a closed module is one line for all its rows", () => {
  const lines = layerLines(NESTED, new Set(["net/a"]));
  expect(lines[0]).toMatchObject({ name: "net/a", isOpen: false, places: [0, 1] });
  expect(lines[1]?.name).toBe("net/b/inner");
});

test("a search finds rows in closed modules too", () => {
  const lines = layerLines(NESTED, new Set(["net/b/inner"]), "W/KER");
  expect(lines.map(({ name }) => name)).toEqual(["net/b/inner", "net/b/inner/w/kernel"]);
});

test("a model without modules is a plain list in its own order", () => {
  const lines = layerLines(rows("b/kernel", "a/kernel"), NONE);
  expect(lines.map(({ label, isGroup }) => [label, isGroup])).toEqual([
    ["b/kernel", false],
    ["a/kernel", false],
  ]);
  expect(modulePaths(rows("b/kernel", "a/kernel"))).toEqual([]);
});

test("a large model starts with as few levels closed as it takes to read it", () => {
  const many = rows(
    ...Array.from({ length: 400 }, (_, i) => `s${Math.floor(i / 100)}/b${Math.floor(i / 20)}/d${i}/kernel`),
  );
  const lines = layerLines(many, closedAtFirst(many));
  expect(lines.length).toBeLessThanOrEqual(READABLE_LINES);
  expect(lines.filter(({ isOpen }) => isOpen).map(({ name }) => name)).toEqual(["s0", "s1", "s2", "s3"]);
  expect(closedAtFirst(NESTED).size).toBe(0);
});

test("the modules around a row are those to open before it is seen", () => {
  expect(modulesAround(NESTED, "net/b/inner/z/kernel")).toEqual(["net/b/inner"]);
});
