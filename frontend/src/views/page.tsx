// What stands where: the runs on the left; verdict, findings, curves, layers and checks of one run on the right.

import { comparedNames } from "../compared.ts";
import { report, runs, selectedRun } from "../state.ts";
import type { Report } from "../wire.ts";
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
      <Runs runs={known} />
      <main class="content" key={selectedRun.value}>
        {failure && <StaleNotice error={failure} />}
        {comparedNames().length > 1 ? <Compare /> : <OneRun />}
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
      <VerdictStrip report={answer} summary={summary} />
      {summary?.problem ? <Unreadable summary={summary} /> : <Sections report={answer} source={summary?.source} />}
    </>
  );
}

function Sections({ report: answer, source }: { report: Report; source: string | undefined }) {
  return (
    <>
      <PartlyRead notes={answer.notes} source={source} />
      <SectionNav hidden={absent(answer)} />
      <Findings report={answer} />
      <Timeline report={answer} />
      <CurvesSection report={answer} />
      <Layers report={answer} recorded={source !== "scalars"} />
      <SetupSection />
      <Checks checks={answer.checks} />
      <Notes notes={answer.notes} />
    </>
  );
}

/** Ids of the sections that have nothing to show for this report. */
function absent({ timeline, checks }: Report): string[] {
  const isOpen = checks.some(({ state }) => state === "not_run" || state === "inconclusive");
  return [...(timeline.length ? [] : ["timeline"]), ...(isOpen ? [] : ["not-checked"])];
}
