// Which runs stand side by side, and what are the newest answers about their differences?

import { effect } from "@preact/signals";
import { fetchComparison, fetchDifference, fetchSeries } from "./api.ts";
import type { Comparison } from "./comparison.ts";
import { Resource } from "./resource.ts";
import { besideSteps, comparedRuns, differenceRun, runs, selectedRun, statistic } from "./state.ts";
import type { Matrix, SeriesAnswer, Statistic } from "./wire.ts";

export const comparison = new Resource<Comparison>();
export const comparedSeries = new Resource<SeriesAnswer[]>();
export const difference = new Resource<Matrix>();

/** Asks for the comparison whenever other runs are chosen, or one of them has grown. */
export function followComparison(): void {
  effect(() => {
    const names = comparedNames();
    const known = (runs.value.value ?? []).filter(run => names.includes(run.name));
    if (known.length < names.length || names.length < 2) {
      besideSteps.value = null;
      return;
    }
    const stamp = JSON.stringify(known);
    if (stamp === asked && !comparison.error.peek()) return;
    asked = stamp;
    const question = JSON.stringify(names);
    void comparison.load(question, signal => fetchComparison(names, signal));
    void comparedSeries.load(question, async signal => {
      const answers = await Promise.all(names.map(run => fetchSeries(run, null, signal)));
      const steps = answers.flatMap(({ series }) => series.flatMap(line => [line.steps[0], line.steps.at(-1)]));
      const ends = steps.filter(step => step !== undefined);
      besideSteps.value = ends.length ? [Math.min(...ends), Math.max(...ends)] : null;
      return answers;
    });
  });
  effect(() => {
    const shown = shownDifference();
    if (shown) {
      const pair = [shown.base, shown.run];
      const { id } = shown.statistic;
      void difference.load(JSON.stringify([pair, id]), signal => fetchDifference(pair, id, signal));
    }
  });
}

let asked = "";

/** The selected run, which is the baseline, and those beside it. */
export function comparedNames(): string[] {
  const base = selectedRun.value;
  return base === null ? [] : [base, ...comparedRuns.value.filter(other => other !== base)];
}

/** The difference on the page: the chosen run and statistic where both are there, else the first of each. */
export function shownDifference(): { base: string; run: string; statistic: Statistic } | null {
  const answer = comparison.value.value;
  const [base, ...others] = answer?.runs ?? [];
  const run = others.find(other => other === differenceRun.value) ?? others[0];
  const known = answer?.statistics.find(({ id }) => id === statistic.value?.id) ?? answer?.statistics[0];
  return base !== undefined && run !== undefined && known ? { base, run, statistic: known } : null;
}
