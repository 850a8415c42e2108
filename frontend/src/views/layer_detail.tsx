// How did one layer go? All its statistics, and its distributions, as small charts on the shared step axis.

import { useMemo } from "preact/hooks";
import { isPositive, type Line } from "../charts/align.ts";
import { Curves } from "../charts/curves.tsx";
import { layerCharts, layerOf } from "../detail.ts";
import { integer } from "../format.ts";
import { selectRow } from "../state.ts";
import type { LayerRow, LayersAnswer, Series, Statistic } from "../wire.ts";
import { Distributions } from "./distributions.tsx";
import { Reading } from "./empty.tsx";
import { lineStyle } from "./line_styles.ts";
import { rowInLayer } from "./row_in_layer.ts";

const HEIGHT = 120;

export function LayerDetail({ row, answer }: { row: LayerRow; answer: LayersAnswer }) {
  const layer = layerOf(row);
  const known = layerCharts.value.value;
  const failure = layerCharts.error.value;
  const charts = known?.run === answer.run && known.layer === layer ? known.charts : null;
  const facts = [
    row.layerKind,
    row.activation,
    row.initializer,
    row.parameters !== null && `${integer(row.parameters)} parameters`,
    row.trainable ? "trainable" : "frozen",
  ].filter(Boolean);
  return (
    <section class="layer-detail" aria-labelledby="layer-detail">
      <header class="section-head">
        <h3 id="layer-detail">{layer}</h3>
        <span class="muted">{facts.join(" · ")}</span>
        <button type="button" class="quiet" onClick={() => selectRow(null)}>
          Close
        </button>
      </header>
      {!charts && (failure ? <p class="hint">{failure.message}</p> : <Reading what={layer} />)}
      <div class="small-charts">
        {charts?.map(({ statistic, series }) => {
          const shown = answer.statistics.find(({ id }) => id === statistic);
          return shown && <SmallChart key={statistic} statistic={shown} series={series} layer={layer} />;
        })}
      </div>
      <Distributions run={answer.run} layer={layer} />
    </section>
  );
}

function SmallChart(props: { statistic: Statistic; series: readonly Series[]; layer: string }) {
  const { statistic, series, layer } = props;
  const lines = useMemo(() => series.map((one, place) => styled(one, place, layer)), [series, layer]);
  return (
    <Curves
      id={`layer.${statistic.id}`}
      title={statistic.label}
      lines={lines}
      height={HEIGHT}
      startsLog={statistic.scale === "log" && isPositive(lines)}
    />
  );
}

function styled(series: Series, place: number, layer: string): Line {
  return { ...series, label: rowInLayer(series.label, layer), ...lineStyle(place) };
}
