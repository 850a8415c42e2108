// What does the reader see when there is nothing to show: no run, no answer, or not yet?

import { plural } from "../format.ts";
import { refresh } from "../state.ts";
import type { RunSummary } from "../wire.ts";
import { Code, CopyButton } from "./copy_button.tsx";

const KERAS = `from tb_lossdiag import LossDiagnostics

model.fit(x, y, callbacks=[LossDiagnostics("logs/run1")])`;

const LOOP = `from tb_lossdiag import TrainingMonitor

monitor = TrainingMonitor(model, optimizer, "logs/run1")
train_step = monitor.watch(train_step)`;

const TORCH = `from tb_lossdiag.torch import watch

with watch(model, optimizer, "logs/run1", loss=criterion):
    train(...)  # your loop as it is`;

export function NoRuns() {
  return (
    <section class="card empty">
      <h1>No training in this log directory yet</h1>
      <p>Add two lines, start the training, and this page fills by itself.</p>
      <h2>Keras</h2>
      <Code code={KERAS} label="Copy" />
      <h2>PyTorch</h2>
      <Code code={TORCH} label="Copy" />
      <h2>Your own loop in TensorFlow</h2>
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
      <p class="muted">This page asks again every few seconds.</p>
      <button type="button" class="quiet" onClick={() => void refresh(true)}>
        Try again now
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

/** A run that is there but could not be read: its verdict says why, and there is nothing else to show of it. */
export function Unreadable({ summary }: { summary: RunSummary }) {
  return (
    <section class="card empty" aria-labelledby="unreadable">
      <h2 id="unreadable">Nothing else is known of this run</h2>
      <p>The other runs are not affected. Once the reason above is gone, this run opens here by itself.</p>
      <CopyButton label="Copy the message" text={summary.problem} />
    </section>
  );
}

/** Says beside the verdict that it rests on a part of the log. */
export function PartlyRead({ notes, source }: { notes: readonly string[]; source: string | undefined }) {
  if (source === "scalars") {
    return (
      <p class="partly">
        <b>Loss curves only.</b> This log has no data of the callback, so what is inside the model could not be looked
        at. The lines to add are under Layers.
      </p>
    );
  }
  if (!notes.length) return null;
  return (
    <p class="partly">
      <b>{plural(notes.length, "part")} of the log could not be used.</b> The verdict rests on the rest; the end of this
      page says what was left out.
    </p>
  );
}

/** The answers on the page are older than the last attempt. */
export function StaleNotice({ error }: { error: Error }) {
  return (
    <p class="stale" role="status">
      <b>Not up to date.</b> What is below was true before; this page asks again every few seconds.{" "}
      <span class="said">{error.message}</span>
    </p>
  );
}
