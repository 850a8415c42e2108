// Which run needs attention? All of them, worst first as the backend ranks them.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { integer, words } from "../format.ts";
import { selectedRun, selectRun } from "../state.ts";
import type { RunSummary } from "../wire.ts";
import { ToneIcon, toneName, toneOf } from "./icons.tsx";

const SEARCH_FROM = 6;

export function Runs({ runs }: { runs: readonly RunSummary[] }) {
  const wanted = useSignal("");
  const shown = runs.filter(run => matches(run, wanted.value.toLowerCase()));
  return (
    <nav class="runs" aria-label="Runs">
      <header>
        <h2>Runs</h2>
        <span class="muted">worst first</span>
      </header>
      {runs.length >= SEARCH_FROM && (
        <input
          type="search"
          placeholder="Search"
          aria-label="Search runs"
          value={wanted.value}
          onInput={event => {
            wanted.value = event.currentTarget.value;
          }}
        />
      )}
      <ul onKeyDown={moveFocus}>
        {shown.map(run => (
          <li key={run.name}>
            <RunButton run={run} />
          </li>
        ))}
      </ul>
      {!shown.length && <p class="hint">No run, state or cause is named like that.</p>}
    </nav>
  );
}

function RunButton({ run }: { run: RunSummary }) {
  const tone = toneOf(run.severity, run.state);
  const current = run.name === selectedRun.value;
  const button = useRef<HTMLButtonElement>(null);
  // A linked run may lie below the fold of a long list, or of the short one above the page in a narrow frame.
  useEffect(() => {
    if (current) button.current?.scrollIntoView({ block: "nearest" });
  }, [current]);
  return (
    <button
      ref={button}
      type="button"
      class="run"
      aria-current={current ? "true" : undefined}
      onClick={() => selectRun(run.name)}
    >
      <ToneIcon tone={tone} />
      <span class="run-name">{run.name}</span>
      <span class="run-step" title="Last step">
        {integer(run.lastStep)}
      </span>
      <span class="run-state">
        <span class="offscreen">{toneName(tone)}: </span>
        {words(run.state)}
        {run.causeTitle && run.causeTitle !== words(run.state) && `: ${run.causeTitle}`}
        {run.problem && ` (${run.problem})`}
      </span>
    </button>
  );
}

/** Whether its name, its state or its first cause has the wanted text in it. */
function matches(run: RunSummary, wanted: string): boolean {
  return [run.name, words(run.state), run.causeTitle].some(text => text.toLowerCase().includes(wanted));
}

/** Up and down walk the list, as in a file manager; Tab still leaves it button by button. */
function moveFocus(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (!step) return;
  event.preventDefault();
  const buttons = [...event.currentTarget.querySelectorAll("button")];
  const next = buttons.indexOf(document.activeElement as HTMLButtonElement) + step;
  buttons[Math.max(0, Math.min(buttons.length - 1, next))]?.focus();
}
