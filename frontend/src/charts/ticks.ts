// Where do the ticks of an axis stand?

/** About `count` round values (1, 2 or 5 times a power of ten) inside [low, high]. */
export function linearTicks(low: number, high: number, count: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find(factor => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  const last = Math.floor(high / step);
  const length = last - first + 1;
  // At the ends of what numbers can say there is no round step: the span itself, or a part of it, is 0 or infinite.
  if (!(length <= 4 * Math.max(1, count))) return [low, high].filter(Number.isFinite);
  return Array.from({ length: Math.max(0, length) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** At most `count` powers of ten inside [low, high]; other round values where fewer than two powers lie inside. */
export function logTicks(low: number, high: number, count: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  if (last <= first) return linearTicks(low, high, count);
  const stride = Math.max(1, Math.ceil((last - first + 1) / Math.max(1, count)));
  return Array.from({ length: Math.floor((last - first) / stride) + 1 }, (_, i) => Number(`1e${first + i * stride}`));
}
