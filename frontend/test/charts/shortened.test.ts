import { expect, test } from "vitest";
import { shortened } from "../../src/charts/shortened.ts";

test("a name that has room is left alone", () => {
  expect(shortened("dense/kernel", 12)).toBe("dense/kernel");
});

test("a long name keeps both ends and is as long as it may be", () => {
  expect(shortened("encoder/block_17/dense/kernel", 15)).toBe("encoder…/kernel");
  for (const most of [2, 3, 10, 299]) expect(shortened("x".repeat(300), most)).toHaveLength(most);
});

test("no character is cut, whatever it is made of", () => {
  const family = "👩‍👩‍👧‍👦";
  expect(shortened(family.repeat(5), 3)).toBe(`${family}…${family}`);
  expect(shortened(family.repeat(5), 5)).toBe(family.repeat(5));
  expect(shortened("é".repeat(9), 3)).toBe("é…é");
});
