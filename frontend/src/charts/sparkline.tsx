// How did one row go? A line a few letters wide, with NaN and Inf as ticks at its top.

const WIDTH = 84;
const HEIGHT = 18;
const INSET = 2;

/** Points of the line: more than two per pixel column say nothing. */
const MOST = 2 * WIDTH;

export function Sparkline({ values, isLog }: { values: ArrayLike<number>; isLog: boolean }) {
  const { line, breaks } = sparkline(values, isLog);
  return (
    <svg class="sparkline" width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <path class="spark" d={line} />
      {breaks && <path class="spark-break" d={breaks} />}
    </svg>
  );
}

/** Path data of the line, and of the ticks where a value has no place on it. */
export function sparkline(values: ArrayLike<number>, isLog: boolean): { line: string; breaks: string } {
  const stride = Math.max(1, Math.ceil(values.length / MOST));
  const points: (number | null | undefined)[] = [];
  for (let at = 0; at < values.length; at += stride) points.push(extreme(values, at, stride, isLog));
  const drawn = points.filter(point => point != null);
  const low = Math.min(...drawn);
  const high = Math.max(...drawn);
  const x = (i: number) => (INSET + (i / Math.max(1, points.length - 1)) * (WIDTH - 2 * INSET)).toFixed(1);
  const y = (value: number) =>
    (HEIGHT - INSET - (high > low ? (value - low) / (high - low) : 0.5) * (HEIGHT - 2 * INSET)).toFixed(1);
  let line = "";
  let breaks = "";
  points.forEach((point, i) => {
    if (point === null) breaks += `M${x(i)} 0v5`;
    else if (point !== undefined) line += `${line && points[i - 1] != null ? "L" : "M"}${x(i)} ${y(point)}`;
  });
  return { line, breaks };
}

/** The largest of some values as it is drawn; null when one of them is not finite, undefined when it has no logarithm. */
function extreme(values: ArrayLike<number>, from: number, count: number, isLog: boolean): number | null | undefined {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = from; i < Math.min(values.length, from + count); i++) {
    const value = values[i] ?? Number.NaN;
    if (!Number.isFinite(value)) return null;
    most = Math.max(most, value);
  }
  if (!isLog) return most;
  return most > 0 ? Math.log(most) : undefined;
}
