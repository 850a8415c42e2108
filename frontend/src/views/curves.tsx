// How did the loss go, where do the findings lie on it, and what did the learning rate and the norms do meanwhile?

import { useMemo } from "preact/hooks";
import { isPositive, type Line } from "../charts/align.ts";
import { Curves } from "../charts/curves.tsx";
import type { Span } from "../charts/overlays.ts";
import { shownSeries } from "../detail.ts";
import { stepSpan } from "../format.ts";
import { logSteps, series, stepUnit, stepWindow } from "../state.ts";
import type { Report, Series } from "../wire.ts";
import { Reading } from "./empty.tsx";
import { lineStyle } from "./line_styles.ts";

const GROUPS = [
  { id: "loss", title: "Loss", height: 250, startsLog: false },
  { id: "term", title: "Loss terms", height: 150, startsLog: false },
  { id: "learning_rate", title: "Learning rate", height: 110, startsLog: false },
  { id: "norm", title: "Norms", height: 150, startsLog: true },
] as const;

export function CurvesSection({ report }: { report: Report }) {
  const answer = series.value.value;
  const all = shownSeries.value ?? [];
  const failure = series.error.value;
  const window = stepWindow.value;
  return (
    <section class="card" aria-labelledby="curves">
      <header class="section-head">
        <h2 id="curves">Curves</h2>
        {window ? (
          <>
            <span class="muted">{stepSpan(window, stepUnit.value)}</span>
            <button
              type="button"
              class="quiet"
              onClick={() => {
                stepWindow.value = null;
              }}
            >
              Show all
            </button>
          </>
        ) : (
          <span class="muted">drag to zoom</span>
        )}
        <button
          type="button"
          class="quiet"
          aria-pressed={logSteps.value}
          onClick={() => {
            logSteps.value = !logSteps.value;
          }}
        >
          log {stepUnit.value}s
        </button>
      </header>
      {!answer && (failure ? <p class="hint">{failure.message}</p> : <Reading what="curves" />)}
      {answer?.series.length === 0 && <p class="hint">No loss was recorded.</p>}
      {answer && GROUPS.map(group => <Group key={group.id} group={group} all={all} report={report} />)}
    </section>
  );
}

function Group({ group, all, report }: { group: (typeof GROUPS)[number]; all: readonly Series[]; report: Report }) {
  const lines = useMemo(() => all.filter(({ group: id }) => id === group.id).map(styled), [all, group]);
  const isLoss = group.id === "loss";
  const spans = useMemo(() => spansOf(report), [report]);
  const reference = useMemo(() => (isLoss ? referenceOf(report) : null), [report, isLoss]);
  if (!lines.length) return null;
  return (
    <Curves
      id={group.id}
      title={group.title}
      lines={lines}
      height={group.height}
      startsLog={group.startsLog && isPositive(lines)}
      spans={spans}
      hasLanes={isLoss}
      reference={reference}
    />
  );
}

/** What a loss has to get below: the better of two guesses that know nothing of the input. */
function referenceOf({ constantLoss, shuffledLoss }: Report) {
  if (constantLoss !== null) return { value: constantLoss, label: "best constant guess" };
  return shuffledLoss === null ? null : { value: shuffledLoss, label: "outputs dealt to other examples" };
}

function styled(line: Series, place: number): Line {
  return { ...line, ...lineStyle(place) };
}

function spansOf(report: Report): Span[] {
  return report.causes.flatMap(({ confidence, steps, title, severity }) =>
    confidence === "ruled_out" || !steps ? [] : [{ label: title, steps, tone: severity }],
  );
}
