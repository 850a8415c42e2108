import { expect, test } from "vitest";
import { csv, fileName } from "../src/download.ts";

test("a name that a spreadsheet would run as a formula is plain text, and numbers stay numbers", () => {
  expect(csv([["=HYPERLINK(1)", "@x", "-1.5e-7", "-Infinity", "+cmd"]])).toBe(
    "'=HYPERLINK(1),'@x,-1.5e-7,-Infinity,'+cmd\r\n",
  );
});

test("commas, quotes and line ends are quoted", () => {
  expect(csv([["a,b", 'say "x"', "two\nlines"]])).toBe('"a,b","say ""x""","two\nlines"\r\n');
});

test("a file is named with what every file system takes", () => {
  expect(fileName('../<img src="x"> Löss')).toBe("img-src-x-Löss");
  expect(fileName("///")).toBe("lossdiag");
});
