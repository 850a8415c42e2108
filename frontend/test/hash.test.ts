import { expect, test } from "vitest";
import { formatHash, isOurTab, type Place, parseHash } from "../src/hash.ts";

test("a link's run, statistic and row are read", () => {
  const hash = "#lossdiag&p.lossdiag.run=exp%201&p.lossdiag.statistic=update_ratio&p.lossdiag.row=dense%2Fkernel";
  expect(parseHash(hash)).toEqual({ run: "exp 1", statistic: "update_ratio", row: "dense/kernel" });
});

test("what is not ours is ignored", () => {
  expect(parseHash("#scalars&run=a&p.other.run=b&p.lossdiag.colour=red")).toEqual({});
  expect(parseHash("")).toEqual({});
});

test("a broken escape is taken as it stands", () => {
  expect(parseHash("#lossdiag&p.lossdiag.run=100%")).toEqual({ run: "100%" });
});

test("writing keeps the tab and the state of other plugins", () => {
  expect(formatHash("#lossdiag&p.other.x=1&p.lossdiag.run=old", { run: "a&b=c" })).toBe(
    "#lossdiag&p.other.x=1&p.lossdiag.run=a%26b%3Dc",
  );
  expect(formatHash("", { run: "a" })).toBe("#lossdiag&p.lossdiag.run=a");
});

test("every place comes back from the hash it was written to", () => {
  const place: Place = {
    run: "<b>&#=%/ é",
    statistic: "gradient_norm",
    row: "",
    steps: [12, 400],
    logSteps: true,
    open: [],
    mute: ["noise_floor", "undertrained"],
    with: ["a,b", "50%", "c-d"],
    difference: "50%",
    search: "dense&",
    expanded: ["a/b", "a,c"],
    lines: [0, 30],
    runs: "lr 1e-3",
    tables: ["loss", "layer.gradient.a,b"],
    logs: ["loss"],
    linears: ["norm"],
    order: { by: "-name", isDescending: true },
  };
  expect(parseHash(formatHash("#lossdiag", place))).toEqual(place);
});

test.each(["", "12", "400-12", "a-b", "1-2-3", "-1-4"])("steps and lines that are no span are ignored: %s", steps => {
  expect(parseHash(`#lossdiag&p.lossdiag.steps=${steps}&p.lossdiag.lines=${steps}`)).toEqual({});
});

test("our tab is told from others by its whole name", () => {
  expect(["#lossdiag", "#lossdiag&p.x=1", "#lossdiag2", "#scalars&lossdiag", ""].map(isOurTab)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
