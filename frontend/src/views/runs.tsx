// Which run needs attention? All of them, worst first as the backend ranks them.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Name } from "../charts/breakable.tsx";
import { integer, words } from "../format.ts";
import { comparedRuns, runSearch, selectedRun, selectRun } from "../state.ts";
import { isPending, type RunSummary } from "../wire.ts";
import { ToneIcon, toneName, toneOf } from "./icons.tsx";

const SEARCH_FROM = 6;

/** As many as the backend compares with one baseline. */
const MOST_BESIDE = 7;

export function Runs({ runs }: { runs: readonly RunSummary[] }) {
  const isPicking = useSignal(false);
  const isComparing = comparedRuns.value.length > 0;
  // A link that compares opens the boxes; unticking the last one does not close them.
  useEffect(() => {
    if (isComparing) isPicking.value = true;
  }, [isComparing]);
  const pending = runs.filter(isPending).length;
  const shown = runs.filter(run => matches(run, runSearch.value.toLowerCase()));
  return (
    <nav class="runs" aria-label="Runs">
      <header>
        <h2>Runs</h2>
        <span class="muted">
          {pending ? `${integer(runs.length - pending)} of ${integer(runs.length)} ready` : "worst first"}
        </span>
        {runs.length > 1 && (
          <button
            type="button"
            class="quiet"
            aria-pressed={isPicking.value}
            onClick={() => {
              isPicking.value = !isPicking.value;
              if (!isPicking.value) comparedRuns.value = [];
            }}
          >
            Compare
          </button>
        )}
      </header>
      {(runs.length >= SEARCH_FROM || runSearch.value) && (
        <input
          type="search"
          placeholder="Search"
          aria-label="Search runs"
          value={runSearch.value}
          onInput={event => {
            runSearch.value = event.currentTarget.value;
          }}
        />
      )}
      {isPicking.value && <p class="hint run-hint">Tick the runs to set against the one that is selected.</p>}
      <ul onKeyDown={moveFocus}>
        {shown.map((run, place) => (
          <li key={run.name} class={isPicking.value ? "picking" : ""}>
            <RunButton run={run} place={place} />
            {isPicking.value && <Pick name={run.name} />}
          </li>
        ))}
      </ul>
      {!shown.length && <p class="hint">No run, state or cause is named like that.</p>}
    </nav>
  );
}

/** place: among the runs shown. */
function RunButton({ run, place }: { run: RunSummary; place: number }) {
  const tone = toneOf(run.severity, run.state);
  const current = run.name === selectedRun.value;
  const button = useRef<HTMLButtonElement>(null);
  // A linked run may lie below the fold of a long list, or of the short one above the page in a narrow frame.
  useEffect(() => {
    if (current) button.current?.scrollIntoView({ block: "nearest" });
  }, [current]);
  // Verdicts that arrive move it; but a list that somebody has the pointer on must not move from under it.
  useEffect(() => {
    if (current && !button.current?.closest("nav")?.matches(":hover, :focus-within"))
      button.current?.scrollIntoView({ block: "nearest" });
  }, [place]);
  return (
    <button
      ref={button}
      type="button"
      class="run"
      aria-current={current ? "true" : undefined}
      onClick={() => selectRun(run.name)}
    >
      <ToneIcon tone={tone} />
      <span class="run-name">
        <Name name={run.name} />
      </span>
      <span class="run-step" title="Last step">
        {integer(run.lastStep)}
      </span>
      <span class="run-state">
        <span class="offscreen">{toneName(tone)}: </span>
        {told(run)}
      </span>
    </button>
  );
}

/** State and first cause, told once where both are one word. */
function told(run: RunSummary): string {
  const { state, causeTitle, problem } = run;
  if (problem) return "Could not be read";
  if (isPending(run)) return "Not diagnosed yet";
  return causeTitle && causeTitle !== words(state) ? `${words(state)}: ${causeTitle}` : words(state);
}

/** The box that puts a run beside the selected one. */
function Pick({ name }: { name: string }) {
  if (name === selectedRun.value) return <p class="run-pick">baseline</p>;
  const beside = comparedRuns.value;
  const isBeside = beside.includes(name);
  return (
    <label class="run-pick" title="Compare with the baseline">
      <input
        type="checkbox"
        checked={isBeside}
        disabled={!isBeside && beside.length >= MOST_BESIDE}
        onChange={() => {
          comparedRuns.value = isBeside ? beside.filter(other => other !== name) : [...beside, name];
        }}
      />
      <span class="offscreen">Compare {name} with the baseline</span>
    </label>
  );
}

/** Whether its name, its state or its first cause has the wanted text in it. */
function matches(run: RunSummary, wanted: string): boolean {
  return [run.name, told(run)].some(text => text.toLowerCase().includes(wanted));
}

/** Up and down walk the list, as in a file manager; Tab still leaves it button by button. */
function moveFocus(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (!step) return;
  event.preventDefault();
  const buttons = [...event.currentTarget.querySelectorAll<HTMLButtonElement>("button.run")];
  const next = buttons.indexOf(document.activeElement as HTMLButtonElement) + step;
  buttons[Math.max(0, Math.min(buttons.length - 1, next))]?.focus();
}
