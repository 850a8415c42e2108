// How do the lines of a chart differ? In colour and dash, by their place, so that they differ without colour too.

export const LINE_STYLES: readonly { colour: string; dash: number[] }[] = [
  { colour: "--line-1", dash: [] },
  { colour: "--line-2", dash: [6, 3] },
  { colour: "--line-3", dash: [2, 2] },
  { colour: "--line-4", dash: [8, 3, 2, 3] },
];
