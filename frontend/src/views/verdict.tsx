// What is the answer, in one sentence?

import { clock, integer, words } from "../format.ts";
import { linkHere, stepUnit } from "../state.ts";
import type { Report, RunSummary } from "../wire.ts";
import { CopyButton } from "./copy_button.tsx";
import { ToneIcon, toneName, toneOf } from "./icons.tsx";

export function VerdictStrip({ report, summary }: { report: Report; summary: RunSummary | undefined }) {
  const tone = toneOf(report.severity, report.verdict.state);
  const time = clock(summary?.wallTime ?? 0);
  return (
    <header class={`verdict edge-${tone}`}>
      <p class="verdict-state">
        <ToneIcon tone={tone} />
        <span class={`tone-${tone}`}>{words(report.verdict.state)}</span>
        {report.severity !== "none" && <span class="muted">{toneName(tone)}</span>}
      </p>
      <h1 aria-live="polite">{report.verdict.headline}</h1>
      <p class="verdict-facts">
        <span class="verdict-run">{report.run}</span>
        {summary && (
          <span>
            {stepUnit.value} {integer(summary.lastStep)}
          </span>
        )}
        {time && <span>newest record {time}</span>}
        <CopyButton label="Copy link" text={linkHere} />
      </p>
    </header>
  );
}
