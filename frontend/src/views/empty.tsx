// What does the reader see when there is nothing to show: no run, no answer, or not yet?

import { refresh } from "../state.ts";
import { Code } from "./copy_button.tsx";

const KERAS = `from tb_lossdiag import LossDiagnostics

model.fit(x, y, callbacks=[LossDiagnostics("logs/run1")])`;

const LOOP = `from tb_lossdiag import TrainingMonitor

monitor = TrainingMonitor(model, optimizer, "logs/run1")
train_step = monitor.watch(train_step)`;

export function NoRuns() {
  return (
    <section class="card empty">
      <h1>No training in this log directory yet</h1>
      <p>Add the callback, start the training, and this page fills by itself.</p>
      <h2>Keras</h2>
      <Code code={KERAS} label="Copy" />
      <h2>Your own training loop</h2>
      <Code code={LOOP} label="Copy" />
    </section>
  );
}

/** What a log of plain scalars lacks, and how to get it. */
export function NoLayers({ recorded }: { recorded: boolean }) {
  if (recorded) return <p class="hint">No layer statistics yet: they come with the first sampled steps.</p>;
  return (
    <div class="hint">
      <p>This log holds loss curves only. Gradients, updates and activations per layer need the callback:</p>
      <Code code={KERAS} label="Copy" />
    </div>
  );
}

export function Reading({ what }: { what: string }) {
  return (
    <p class="reading" role="status">
      Reading {what} …
    </p>
  );
}

export function Failure({ title, error }: { title: string; error: Error }) {
  return (
    <section class="card empty" role="alert">
      <h1>{title}</h1>
      <p class="said">{error.message}</p>
      <button type="button" class="quiet" onClick={() => void refresh(true)}>
        Try again
      </button>
    </section>
  );
}

export function MissingRun({ name }: { name: string }) {
  return (
    <section class="card empty" role="alert">
      <h1>No such run</h1>
      <p>
        This log directory has no run named <b class="said">{name}</b>. Should it appear, it opens here by itself.
      </p>
    </section>
  );
}

/** The answers on the page are older than the last attempt. */
export function StaleNotice({ error }: { error: Error }) {
  return (
    <p class="stale" role="status">
      Not up to date: {error.message}
    </p>
  );
}
