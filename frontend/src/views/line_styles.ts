// How do the lines of a chart differ? In colour and dash, by their place, so that they differ without colour too.

export interface LineStyle {
  colour: string;
  dash: number[];
}

/** Colours come round again after four lines, dashes after eight: as many as a comparison has. */
const COLOURS = ["--line-1", "--line-2", "--line-3", "--line-4"];
const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3], [12, 3], [1, 3], [4, 4], [10, 2, 2, 2]];

export function lineStyle(place: number): LineStyle {
  return { colour: COLOURS[place % COLOURS.length] ?? "--line-1", dash: DASHES[place % DASHES.length] ?? [] };
}
