// Which colour means what? The ramp with its ticks, what was cut off, and the colours outside it that occur.

import { measured, plural } from "../format.ts";
import type { Statistic } from "../wire.ts";
import { barPlace, barValue, type ColourScale, ONE_SIDED_TEXT, rampPlace } from "./colour_scale.ts";
import { rampColour } from "./palette.ts";
import { linearTicks, logTicks } from "./ticks.ts";

const STOPS = 24;

/** Share of the bar that a tick label takes. */
const ROOM = 0.16;

interface Props {
  scale: ColourScale;
  statistic: Statistic;
  /** Rows that a finding names: they carry a mark beside the picture. */
  marked: number;
}

export function ColourBar({ scale, statistic, marked }: Props) {
  const isDiverging = scale.centre !== null;
  const colourAt = (place: number) => rampColour(rampPlace(barValue(place, scale), scale), isDiverging);
  const stops = Array.from({ length: STOPS + 1 }, (_, i) => colourAt(i / STOPS)).join(", ");
  return (
    <figure class="colour-bar" aria-label={`Colour scale of ${statistic.label}`}>
      <div class="ramp">
        {scale.below > 0 && <b class="clipped-low" style={{ background: colourAt(0) }} />}
        {scale.above > 0 && <b class="clipped-high" style={{ background: colourAt(1) }} />}
        <i style={{ background: `linear-gradient(to right, ${stops})` }} />
        {ticks(scale).map(tick => (
          <span key={tick} style={{ left: `${100 * barPlace(tick, scale)}%` }}>
            {measured(tick, statistic.scale)}
          </span>
        ))}
      </div>
      <figcaption>
        {statistic.unit && <span>{statistic.unit}</span>}
        {statistic.healthy !== null && <span>centre: {measured(statistic.healthy, statistic.scale)} is healthy</span>}
        <Key count={scale.zeros} kind="zero" name="zero" />
        <Key count={scale.nans} kind="nan" name="NaN" />
        {scale.isRatio ? (
          <Key count={scale.infinities} kind="one-sided" name={ONE_SIDED_TEXT} />
        ) : (
          <Key count={scale.infinities} kind="inf" name="infinite" />
        )}
        <Key count={marked} kind="marked" name="named by a finding" />
        {scale.below + scale.above > 0 && <span>{plural(scale.below + scale.above, "cell")} beyond the ends</span>}
      </figcaption>
    </figure>
  );
}

function Key({ count, kind, name }: { count: number; kind: string; name: string }) {
  if (!count) return null;
  return (
    <span>
      <i class={`key key-${kind}`} />
      {name}
    </span>
  );
}

/** Round values and the centre, each with enough room around it. */
export function ticks(scale: ColourScale): number[] {
  const { isLog, low, high, centre } = scale;
  const kept = centre === null ? [] : [centre];
  for (const tick of isLog ? logTicks(low, high, 5) : linearTicks(low, high, 4)) {
    if (kept.every(other => Math.abs(barPlace(tick, scale) - barPlace(other, scale)) > ROOM)) kept.push(tick);
  }
  return kept;
}
