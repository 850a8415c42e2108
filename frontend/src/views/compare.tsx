// What is different between these runs? Verdicts, findings, settings, curves and layers, told against the first.

import { useMemo } from "preact/hooks";
import { Name } from "../charts/breakable.tsx";
import { Swatch } from "../charts/legend.tsx";
import { comparedNames, comparison } from "../compared.ts";
import type { Change, Comparison } from "../comparison.ts";
import { downloadCsv } from "../download.ts";
import { number, words } from "../format.ts";
import { comparisonCsv } from "../report_csv.ts";
import { comparedRuns, linkHere, runs } from "../state.ts";
import { CompareCurves } from "./compare_curves.tsx";
import { CompareLayers } from "./compare_layers.tsx";
import { CopyButton } from "./copy_button.tsx";
import { Failure, MissingRun, Reading, StaleNotice } from "./empty.tsx";
import { ToneIcon, toneOf } from "./icons.tsx";
import { lineStyle } from "./line_styles.ts";

export function Compare() {
  const names = comparedNames();
  const answer = comparison.value.value;
  const failure = comparison.error.value;
  const missing = names.find(name => !runs.value.value?.some(run => run.name === name));
  return (
    <>
      <header class="card compare-head">
        <h1>{names.length} runs compared</h1>
        <CopyButton label="Copy link" text={linkHere} />
        {answer && (
          <button type="button" class="quiet" onClick={() => downloadCsv("comparison", comparisonCsv(answer))}>
            Download CSV
          </button>
        )}
        <button
          type="button"
          class="quiet"
          onClick={() => {
            comparedRuns.value = [];
          }}
        >
          Back to one run
        </button>
      </header>
      {missing !== undefined && <MissingRun name={missing} />}
      {answer && failure && <StaleNotice error={failure} />}
      {!answer && failure && <Failure title="These runs could not be compared" error={failure} />}
      {!answer && !failure && missing === undefined && <Reading what="the comparison" />}
      {answer && missing === undefined && <SideBySide answer={answer} />}
    </>
  );
}

function SideBySide({ answer }: { answer: Comparison }) {
  const groups = useMemo(() => [...new Set(answer.settings.map(({ group }) => group))], [answer]);
  return (
    <>
      <section class="card" aria-labelledby="compare-verdicts">
        <h2 id="compare-verdicts" class="section-head">
          Verdicts and findings
        </h2>
        <Table answer={answer} label="Verdicts and findings">
          <tbody>
            <tr>
              <th scope="row">Verdict</th>
              {answer.verdicts.map(({ state, severity, headline }, at) => (
                <td key={answer.runs[at]}>
                  <b class="compare-state">
                    <ToneIcon tone={toneOf(severity, state)} />
                    {words(state)}
                  </b>
                  <small>{headline}</small>
                </td>
              ))}
            </tr>
            {answer.findings.map(({ id, title, standings, changes }) => (
              <tr key={id}>
                <th scope="row">{title}</th>
                {standings.map((standing, at) => (
                  <td key={answer.runs[at]}>
                    {standing ? `${words(standing.confidence)}, ${standing.severity}` : <None />}
                    <ChangeMark change={changes[at] ?? null} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </Table>
        {!answer.findings.length && <p class="hint">None of these runs has a finding.</p>}
      </section>
      <section class="card" aria-labelledby="compare-settings">
        <h2 id="compare-settings" class="section-head">
          Settings that differ
        </h2>
        {!groups.length && <p class="hint">No setting differs, as far as the cards of these runs tell.</p>}
        {groups.length > 0 && (
          <Table answer={answer} label="Settings that differ">
            {groups.map(group => (
              <SettingGroup key={group} group={group} answer={answer} />
            ))}
          </Table>
        )}
      </section>
      <CompareCurves names={answer.runs} />
      <CompareLayers answer={answer} />
    </>
  );
}

interface TableProps {
  answer: Comparison;
  label: string;
  children: preact.ComponentChildren;
}

function Table({ answer, label, children }: TableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: many runs scroll sideways, which must work from the keyboard
    <section class="sideways" aria-label={`Table of ${label.toLowerCase()}`} tabIndex={0}>
      <table class="compare" style={{ "--columns": answer.runs.length + 1 }}>
        <thead>
          <tr>
            <td />
            {answer.runs.map((name, at) => (
              <th scope="col" key={name}>
                <Swatch {...lineStyle(at)} /> <Name name={name} />
                <small>{at === 0 ? "baseline" : "against the baseline"}</small>
              </th>
            ))}
          </tr>
        </thead>
        {children}
      </table>
    </section>
  );
}

function SettingGroup({ group, answer }: { group: string; answer: Comparison }) {
  return (
    <tbody>
      <tr class="compare-group">
        <th scope="rowgroup" colSpan={answer.runs.length + 1}>
          {group}
        </th>
      </tr>
      {answer.settings
        .filter(setting => setting.group === group)
        .map(({ label, values }) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            {values.map((value, at) => (
              <td key={answer.runs[at]}>{typeof value === "number" ? number(value) : (value ?? <None />)}</td>
            ))}
          </tr>
        ))}
    </tbody>
  );
}

/** Nothing there: not found, or not set. */
function None() {
  return <span class="muted">–</span>;
}

/** Arrow and word: worse points up in alarm, better down; what stayed needs no mark. */
function ChangeMark({ change }: { change: Change | null }) {
  if (change === null || change === "same") return null;
  const isWorse = change === "appeared" || change === "worse";
  return (
    <span class={`change ${isWorse ? "change-worse" : "change-better"}`}>{`${isWorse ? "▲" : "▼"} ${change}`}</span>
  );
}
