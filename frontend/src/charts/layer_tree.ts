// Which lines does the heatmap have? Rows under the modules that hold them; a closed module is one line for all it holds.

import type { LayerRow } from "../wire.ts";

/** One line of the heatmap. places: the matrix rows it stands for, more than one for a module only. */
export interface TreeLine {
  isGroup: boolean;
  isOpen: boolean;
  /** The module's path, or the row's name. */
  name: string;
  /** The name without what the modules around it say already. */
  label: string;
  depth: number;
  places: number[];
}

interface Module {
  path: string;
  parts: (Module | number)[];
}

/** What no other line is called: a row may have the name of a module. */
export function lineKey({ isGroup, name }: TreeLine): string {
  return isGroup ? `${name}/` : name;
}

/** Lines that can be read without zooming; with more of them, modules start closed. */
export const READABLE_LINES = 40;

/** All lines, or those of rows whose name holds `wanted`. closed: paths of closed modules; a search opens them all. */
export function layerLines(rows: readonly LayerRow[], closed: ReadonlySet<string>, wanted = ""): TreeLine[] {
  const lines: TreeLine[] = [];
  const found = wanted.toLowerCase();
  const isWanted = (place: number) => (rows[place]?.name ?? "").toLowerCase().includes(found);
  const walk = (part: Module | number, depth: number, around: string) => {
    const label = (name: string) => (around && name.startsWith(`${around}/`) ? name.slice(around.length + 1) : name);
    if (typeof part === "number") {
      const name = rows[part]?.name ?? "";
      if (isWanted(part))
        lines.push({ isGroup: false, isOpen: false, name, label: label(name), depth, places: [part] });
      return;
    }
    const places = placesOf(part).filter(isWanted);
    if (!places.length) return;
    const isOpen = found !== "" || !closed.has(part.path);
    lines.push({ isGroup: true, isOpen, name: part.path, label: label(part.path), depth, places });
    if (isOpen) for (const inner of part.parts) walk(inner, depth + 1, part.path);
  };
  for (const part of tree(rows)) walk(part, 0, "");
  return lines;
}

/** Paths of all modules that hold more than one row. */
export function modulePaths(rows: readonly LayerRow[]): string[] {
  const inside = (part: Module | number): string[] =>
    typeof part === "number" ? [] : [part.path, ...part.parts.flatMap(inside)];
  return tree(rows).flatMap(inside);
}

/** Modules that start closed: as few levels as it takes to be left with lines that can be read. */
export function closedAtFirst(rows: readonly LayerRow[]): ReadonlySet<string> {
  let closed: ReadonlySet<string> = new Set();
  const deepestFirst = new Map<number, string[]>();
  for (const { isGroup, depth, name } of layerLines(rows, closed)) {
    if (isGroup) deepestFirst.set(depth, [...(deepestFirst.get(depth) ?? []), name]);
  }
  for (const depth of [...deepestFirst.keys()].sort((a, b) => b - a)) {
    if (layerLines(rows, closed).length <= READABLE_LINES) break;
    closed = new Set([...closed, ...(deepestFirst.get(depth) ?? [])]);
  }
  return closed;
}

/** Every module around a row: what has to be open for the row to be seen. */
export function modulesAround(rows: readonly LayerRow[], name: string): string[] {
  return layerLines(rows, new Set())
    .filter(({ isGroup, places }) => isGroup && places.some(place => rows[place]?.name === name))
    .map(line => line.name);
}

function placesOf(part: Module | number): number[] {
  return typeof part === "number" ? [part] : part.parts.flatMap(placesOf);
}

function tree(rows: readonly LayerRow[]): (Module | number)[] {
  const root: Module = { path: "", parts: [] };
  const known = new Map([["", root]]);
  const module = (path: string): Module => {
    let found = known.get(path);
    if (!found) {
      found = { path, parts: [] };
      known.set(path, found);
      module(path.slice(0, Math.max(0, path.lastIndexOf("/")))).parts.push(found);
    }
    return found;
  };
  rows.forEach((row, place) => {
    module(row.layer.slice(0, Math.max(0, row.layer.lastIndexOf("/")))).parts.push(place);
  });
  const parts = root.parts.map(simplified);
  // A module that holds everything says nothing.
  const [only] = parts;
  return parts.length === 1 && typeof only === "object" ? only.parts : parts;
}

/** A module of one part is that part. */
function simplified(part: Module | number): Module | number {
  if (typeof part === "number") return part;
  const parts = part.parts.map(simplified);
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : { ...part, parts };
}
