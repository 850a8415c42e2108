// How were the gradients, updates and outputs of one layer distributed? A chart per quantity of each of its rows.

import { sharePlace } from "../charts/buckets.ts";
import { Distribution } from "../charts/distribution.tsx";
import { rampColour } from "../charts/palette.ts";
import { layerHistograms } from "../detail.ts";
import { measured } from "../format.ts";
import { Reading } from "./empty.tsx";
import { rowInLayer } from "./row_in_layer.ts";

const STOPS = 24;
const TICKS = [0.001, 0.01, 0.1, 1];

export function Distributions({ run, layer }: { run: string; layer: string }) {
  const known = layerHistograms.value.value;
  const failure = layerHistograms.error.value;
  const rows = known?.run === run && known.layer === layer ? known.rows : null;
  const charts = rows?.flatMap(({ name, quantities }) =>
    quantities.map(histogram => ({
      key: `${name} ${histogram.id}`,
      id: `layer.${histogram.id}.${rowInLayer(name, layer)}`,
      title: titleOf(name, layer, histogram),
      histogram,
    })),
  );
  return (
    <section class="distributions" aria-labelledby="distributions">
      <header class="section-head">
        <h3 id="distributions">Distributions</h3>
        {charts?.length ? <ShareBar /> : null}
      </header>
      {!charts && (failure ? <p class="hint">{failure.message}</p> : <Reading what="the distributions" />)}
      {charts?.length === 0 && (
        <p class="hint">
          No histograms were recorded. They come by themselves with a training that this version or a newer one records.
        </p>
      )}
      <div class="small-charts">
        {charts?.map(({ key, id, title, histogram }) => (
          <Distribution key={key} id={id} title={title} histogram={histogram} />
        ))}
      </div>
    </section>
  );
}

function titleOf(name: string, layer: string, { id, label }: { id: string; label: string }): string {
  return id === "activation" ? label : `${label}: ${rowInLayer(name, layer)}`;
}

/** One scale for all, so that charts can be compared. */
function ShareBar() {
  const stops = Array.from({ length: STOPS + 1 }, (_, i) => rampColour(i / STOPS, false)).join(", ");
  return (
    <figure class="colour-bar" aria-label="Colour scale of the distributions">
      <div class="ramp">
        <i style={{ background: `linear-gradient(to right, ${stops})` }} />
        {TICKS.map(tick => (
          <span key={tick} style={{ left: `${100 * sharePlace(tick)}%` }}>
            {measured(tick, "share")}
          </span>
        ))}
      </div>
      <figcaption>share of the values in each bucket, a factor of 2 wide</figcaption>
    </figure>
  );
}
