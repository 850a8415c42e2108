// What stands where: the runs on the left; verdict, findings, curves, layers and checks of one run on the right.

import { comparedNames, comparison } from "../compared.ts";
import { layers, report, runs, selectedRun, series, setup } from "../state.ts";
import type { Report, RunSummary } from "../wire.ts";
import { Boundary } from "./boundary.tsx";
import { Checks } from "./checks.tsx";
import { Compare } from "./compare.tsx";
import { CurvesSection } from "./curves.tsx";
import { Failure, MissingRun, NoRuns, PartlyRead, Reading, StaleNotice, Unreadable } from "./empty.tsx";
import { Findings } from "./findings.tsx";
import { Layers } from "./layers.tsx";
import { Notes } from "./notes.tsx";
import { Runs } from "./runs.tsx";
import { SectionNav } from "./section_nav.tsx";
import { SetupSection } from "./setup.tsx";
import { Timeline } from "./timeline.tsx";
import { VerdictStrip } from "./verdict.tsx";

export function Page() {
  const known = runs.value.value;
  const failure = runs.error.value;
  if (!known)
    return (
      <main class="lonely">
        {failure ? <Failure title="The log could not be read" error={failure} /> : <Reading what="the log" />}
      </main>
    );
  if (!known.length) {
    return (
      <main class="lonely">
        <NoRuns />
      </main>
    );
  }
  return (
    <div class="page">
      <Boundary view="The list of runs" of={known}>
        <Runs runs={known} />
      </Boundary>
      <main class="content" key={selectedRun.value}>
        {failure && <StaleNotice error={failure} />}
        {comparedNames().length > 1 ? (
          <Boundary view="The comparison" of={comparison.value.value}>
            <Compare />
          </Boundary>
        ) : (
          <Boundary view="This run" of={report.value.value}>
            <OneRun />
          </Boundary>
        )}
      </main>
    </div>
  );
}

function OneRun() {
  const name = selectedRun.value;
  const answer = report.value.value;
  const failure = report.error.value;
  const summary = runs.value.value?.find(run => run.name === name);
  if (name !== null && !summary) return <MissingRun name={name} />;
  if (answer?.run !== name || !answer) {
    return failure ? (
      <Failure title="This run could not be read" error={failure} />
    ) : (
      <Reading what={name ?? "the log"} />
    );
  }
  return (
    <>
      {failure && <StaleNotice error={failure} />}
      <Boundary view="The verdict" of={answer}>
        <VerdictStrip report={answer} summary={summary} />
      </Boundary>
      {summary?.problem ? <Unreadable summary={summary} /> : <Sections report={answer} summary={summary} />}
    </>
  );
}

function Sections({ report: answer, summary }: { report: Report; summary: RunSummary | undefined }) {
  const source = summary?.source;
  return (
    <>
      <PartlyRead notes={answer.notes} source={source} />
      <SectionNav hidden={absent(answer)} />
      <Boundary view="The findings" of={answer}>
        <Findings report={answer} />
      </Boundary>
      <Boundary view="The order of events" of={answer}>
        <Timeline report={answer} />
      </Boundary>
      <Boundary view="The curves" of={series.value.value}>
        <CurvesSection report={answer} />
      </Boundary>
      <Boundary view="The layers" of={layers.value.value}>
        <Layers report={answer} recorded={source !== "scalars"} />
      </Boundary>
      <Boundary view="Data and setup" of={setup.value.value}>
        <SetupSection />
      </Boundary>
      <Boundary view="The checks" of={answer}>
        <Checks checks={answer.checks} />
      </Boundary>
      <Notes notes={answer.notes} />
    </>
  );
}

/** Ids of the sections that have nothing to show for this report. */
function absent({ timeline, checks }: Report): string[] {
  const isOpen = checks.some(({ state }) => state === "not_run" || state === "inconclusive");
  return [...(timeline.length ? [] : ["timeline"]), ...(isOpen ? [] : ["not-checked"])];
}
