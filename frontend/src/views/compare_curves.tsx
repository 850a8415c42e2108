// How did the same quantity go in each run? One chart per quantity, one line per run.

import { useMemo } from "preact/hooks";
import { isPositive, type Line } from "../charts/align.ts";
import { Curves } from "../charts/curves.tsx";
import { comparedSeries } from "../compared.ts";
import type { Series, SeriesAnswer } from "../wire.ts";
import { Reading } from "./empty.tsx";
import { lineStyle } from "./line_styles.ts";

/** Which series are set against each other; the epoch losses stand in where a log has no batch losses. */
const QUANTITIES = [
  { title: "Loss", ids: ["loss", "epoch_loss"], height: 230, startsLog: false },
  { title: "Validation loss", ids: ["epoch_val_loss"], height: 150, startsLog: false },
  { title: "Learning rate", ids: ["learning_rate"], height: 120, startsLog: true },
  { title: "Gradient norm", ids: ["gradient_norm"], height: 150, startsLog: true },
] as const;

type Quantity = (typeof QUANTITIES)[number];

export function CompareCurves({ names }: { names: readonly string[] }) {
  const answers = comparedSeries.value.value;
  const failure = comparedSeries.error.value;
  const units = new Set((answers ?? []).map(({ stepUnit }) => stepUnit));
  return (
    <section class="card" aria-labelledby="compare-curves">
      <header class="section-head">
        <h2 id="compare-curves">Curves</h2>
        {units.size > 1 && <span class="muted">some of these runs count epochs, not steps</span>}
      </header>
      {!answers && (failure ? <p class="hint">{failure.message}</p> : <Reading what="curves" />)}
      {answers &&
        QUANTITIES.map(quantity => (
          <Overlay key={quantity.title} quantity={quantity} answers={answers} names={names} />
        ))}
    </section>
  );
}

interface OverlayProps {
  quantity: Quantity;
  answers: readonly SeriesAnswer[];
  names: readonly string[];
}

function Overlay({ quantity, answers, names }: OverlayProps) {
  const lines = useMemo(() => overlaid(answers, names, quantity.ids), [answers, names, quantity]);
  if (!lines.length) return null;
  return (
    <Curves
      id={`compare.${quantity.ids[0]}`}
      title={quantity.title}
      lines={lines}
      height={quantity.height}
      startsLog={quantity.startsLog && isPositive(lines)}
    />
  );
}

/** The first of these series that each run has, named after the run. */
function overlaid(answers: readonly SeriesAnswer[], names: readonly string[], ids: readonly string[]): Line[] {
  return names.flatMap((name, at) => {
    const known = answers.find(({ run }) => run === name)?.series ?? [];
    const found = ids.map(id => known.find(line => line.id === id)).find((line): line is Series => line !== undefined);
    return found ? [{ ...found, id: name, label: name, ...lineStyle(at) }] : [];
  });
}
