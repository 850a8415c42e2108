// Which line is which run? Colour and dash by place, the same in every table head and chart of a comparison.

export interface LineStyle {
  colour: string;
  dash: number[];
}

/** Four colours, and another dash for each round of them: eight runs differ, and no two by colour alone. */
const COLOURS = ["--line-1", "--line-2", "--line-3", "--line-4"];
const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3], [12, 3], [1, 3], [4, 4], [10, 2, 2, 2]];

export function lineStyle(place: number): LineStyle {
  return { colour: COLOURS[place % COLOURS.length] ?? "--line-1", dash: DASHES[place % DASHES.length] ?? [] };
}

export function LineKey({ style }: { style: LineStyle }) {
  return (
    <svg class="swatch" viewBox="0 0 18 8" aria-hidden="true">
      <line
        x1="0"
        y1="4"
        x2="18"
        y2="4"
        style={{ stroke: `var(${style.colour})` }}
        stroke-dasharray={style.dash.join(" ")}
      />
    </svg>
  );
}
