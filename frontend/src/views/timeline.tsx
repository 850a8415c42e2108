// What came first? One row per signal, a dot where it crossed its threshold and stayed, earliest on top.

import { integer } from "../format.ts";
import { highlightedSpan, stepExtent, stepUnit } from "../state.ts";
import type { Report, Signal, Steps } from "../wire.ts";
import { showFinding } from "./findings.tsx";
import { place, powersOfTen } from "./track.ts";

export function Timeline({ report }: { report: Report }) {
  const extent = stepExtent.value;
  if (!report.timeline.length) return null;
  return (
    <section class="card" aria-labelledby="timeline">
      <header class="section-head">
        <h2 id="timeline">Order of events</h2>
        <span class="muted">a dot where a signal crossed its threshold and stayed, earliest on top</span>
      </header>
      <table class="timeline">
        <thead>
          <tr>
            <th scope="col">Signal</th>
            <th scope="col" class="value">
              Since
            </th>
            <th scope="col" class="timeline-scale">
              <Scale extent={extent} />
            </th>
            <th scope="col">Speaks for</th>
          </tr>
        </thead>
        <tbody>
          {report.timeline.map(signal => (
            <SignalRow key={signal.check} signal={signal} extent={extent} report={report} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function SignalRow({ signal, extent, report }: { signal: Signal; extent: Steps; report: Report }) {
  const { title, onset, last } = signal;
  const span: Steps = [onset, Math.max(onset, last ?? extent[1])];
  const light = () => {
    highlightedSpan.value = span;
  };
  const unlight = () => {
    highlightedSpan.value = null;
  };
  return (
    <tr onMouseEnter={light} onMouseLeave={unlight} onFocusIn={light} onFocusOut={unlight}>
      <th scope="row">{title}</th>
      <td class="value">{onset > 0 ? `${stepUnit.value} ${integer(onset)}` : "setting"}</td>
      <td>
        <Track span={span} extent={extent} />
      </td>
      <td>
        <SpeaksFor ids={signal.causes} report={report} />
      </td>
    </tr>
  );
}

/** Powers of ten up to the last step: what decides itself does so early, and a plain axis would pile it up. */
function Scale({ extent }: { extent: Steps }) {
  return (
    <div class="track-scale">
      {[...powersOfTen(extent), extent[1]].map(step => (
        <span key={step} style={{ left: `${place(step, extent)}%` }}>
          {integer(step)}
        </span>
      ))}
    </div>
  );
}

/** The numbers stand beside it, so the picture of them is not read out. */
function Track({ span: [from, to], extent }: { span: Steps; extent: Steps }) {
  return (
    <div class="track" aria-hidden="true">
      <i class="track-bar" style={{ left: `${place(from, extent)}%`, right: `${100 - place(to, extent)}%` }} />
      <i class="track-dot" style={{ left: `${place(from, extent)}%` }} />
    </div>
  );
}

function SpeaksFor({ ids, report }: { ids: readonly string[]; report: Report }) {
  const causes = report.causes.filter(({ id }) => ids.includes(id));
  return causes.map((cause, i) => (
    <span key={cause.id}>
      {i > 0 && ", "}
      <button
        type="button"
        class={cause.id === report.verdict.cause ? "plain-link first" : "plain-link"}
        onClick={() => showFinding(cause)}
      >
        {cause.title}
      </button>
    </span>
  ));
}
