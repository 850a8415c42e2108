// What is the answer? The state, one sentence with the numbers in it, the first cause, and what to do next.

import { clock, words } from "../format.ts";
import { muted } from "../mute.ts";
import type { Cause, Report, RunSummary } from "../wire.ts";
import { weighed } from "./finding.tsx";
import { showFinding } from "./findings.tsx";
import { Freshness } from "./freshness.tsx";
import { ToneIcon, toneName, toneOf } from "./icons.tsx";
import { Share } from "./share.tsx";

export function VerdictStrip({ report, summary }: { report: Report; summary: RunSummary | undefined }) {
  const { state, headline, cause, action } = report.verdict;
  const tone = toneOf(report.severity, state);
  const time = clock(summary?.wallTime ?? 0);
  const first = report.causes.find(({ id }) => id === cause);
  return (
    <header class={`verdict edge-${tone}`}>
      <div class="verdict-top">
        <p class="verdict-state">
          <ToneIcon tone={tone} />
          <span class={`tone-${tone}`}>{words(state)}</span>
          {report.severity !== "none" && <span class="muted">{toneName(tone)}</span>}
        </p>
        <Share report={report} />
      </div>
      <h1 aria-live="polite">{headline}</h1>
      <dl class="verdict-answer">
        {first && <FirstCause cause={first} />}
        {action && (
          <div>
            <dt>Next</dt>
            <dd>{action}</dd>
          </div>
        )}
      </dl>
      <p class="verdict-facts">
        <bdi class="verdict-run">{report.run}</bdi>
        <Freshness />
        {time && <span class="muted">{time}</span>}
      </p>
    </header>
  );
}

function FirstCause({ cause }: { cause: Cause }) {
  return (
    <div>
      <dt>First cause</dt>
      <dd>
        <button type="button" class="link" onClick={() => showFinding(cause)}>
          {cause.title}
        </button>
        <span class="verdict-weight">
          {words(cause.confidence).toLowerCase()}, {weighed(cause)}
          {muted.value.includes(cause.id) && ", muted"}
        </span>
      </dd>
    </div>
  );
}
