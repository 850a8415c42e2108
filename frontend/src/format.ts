// How is a number, a step or a time written for a reader?

import type { Scale, Steps } from "./wire.ts";

const GROUPED = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** Four significant digits; scientific outside 0.001 … 999,999; NaN and Infinity spelled out; a dash for "not recorded". */
export function number(value: number | null | undefined): string {
  if (value == null) return "–";
  if (!Number.isFinite(value)) return String(value).replace("-", "−");
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3)
    return value
      .toExponential(2)
      .replace(/\.?0+e\+?/, "e")
      .replace("e+", "e");
  return Number.isInteger(value) ? integer(value) : String(Number(value.toPrecision(4)));
}

/** Where whole numbers stop being exact, their digits say nothing, and a step of 300 of them fills the page. */
const EXACT = 1e15;

/** Thousands grouped by commas. */
export function integer(value: number): string {
  return Math.abs(value) < EXACT ? GROUPED.format(value) : number(value);
}

/** A value of a statistic: shares as percent, everything else as a number with its unit. */
export function measured(value: number | null | undefined, scale: Scale, unit = ""): string {
  if (scale === "share" && value != null && Number.isFinite(value)) return `${Number((100 * value).toPrecision(3))} %`;
  return withUnit(value, unit);
}

export function withUnit(value: number | null | undefined, unit: string): string {
  return unit && value != null ? `${number(value)} ${unit}` : number(value);
}

/** "step 12", "steps 12 to 400", "epochs 1 to 5". */
export function stepSpan(steps: Steps, unit = "step"): string {
  const [first, last] = steps;
  return first === last ? `${unit} ${integer(first)}` : `${unit}s ${integer(first)} to ${integer(last)}`;
}

/** "3 layers", "1 run". */
export function plural(count: number, noun: string): string {
  return `${integer(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** The year 10,000: what lies behind it are milliseconds, microseconds or nanoseconds that were taken for seconds. */
const LATEST = 253_402_300_800;

/** Whether the Unix seconds are a moment that a clock can have shown. */
export function isTime(seconds: number): boolean {
  return seconds > 0 && seconds < LATEST;
}

/** Unix seconds as local day and time; "" when the log has no time, and the number where it is none. */
export function clock(seconds: number): string {
  if (seconds === 0) return "";
  return isTime(seconds) ? CLOCK.format(new Date(1000 * seconds)) : `dated ${number(seconds)} s, which is no time`;
}

const UNITS = [
  ["d", 86400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
] as const;

/** Clocks that are set differ by less. */
const AHEAD = 86400;

/** Seconds as "5 s ago", "3 min ago"; clocks that differ a little make "just now". */
export function ago(seconds: number): string {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < -AHEAD) return "dated in the future";
  const found = UNITS.find(([, size]) => seconds >= size);
  return found ? `${integer(Math.floor(seconds / found[1]))} ${found[0]} ago` : "just now";
}

/** "never_learned" as "Never learned". */
export function words(id: string): string {
  if (id === "nonfinite") return "Not finite";
  const spaced = id.replaceAll("_", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
