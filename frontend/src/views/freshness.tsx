// How old is what is on the page? The newest step and its age, ticking while somebody looks.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ago, integer, isTime } from "../format.ts";
import { visible } from "../host.ts";
import { runs, selectedRun, stepUnit } from "../state.ts";

/** Ages are told in whole seconds at their finest. */
const TICK_MS = 1000;

const now = signal(Date.now());

export function Freshness() {
  const isSeen = visible.value;
  useEffect(() => {
    if (!isSeen) return;
    const tick = () => {
      now.value = Date.now();
    };
    tick();
    const timer = setInterval(tick, TICK_MS);
    return () => clearInterval(timer);
  }, [isSeen]);
  const run = runs.value.value?.find(({ name }) => name === selectedRun.value);
  if (!run) return null;
  return (
    <span class="muted freshness">
      newest {stepUnit.value} {integer(run.lastStep)}
      {isTime(run.wallTime) && `, ${ago(now.value / 1000 - run.wallTime)}`}
    </span>
  );
}
