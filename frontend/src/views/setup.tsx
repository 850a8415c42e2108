// What went into this training, and what was recorded of it? Settings, data, labels, recordings and what they cost.

import { Name } from "../charts/breakable.tsx";
import { integer, measured, number, plural, stepSpan, words } from "../format.ts";
import type { DataSheet, Fact, Recording, Setup } from "../setup.ts";
import { setup, stepUnit } from "../state.ts";
import { Reading } from "./empty.tsx";
import { LabelHistogram } from "./label_histogram.tsx";

/** The layer list is long and has its own table: it stands folded at the end. */
const FOLDED = "Layers";

/** Characters of a column's name. */
const COLUMN = 32;

export function SetupSection() {
  const answer = setup.value.value;
  const failure = setup.error.value;
  return (
    <section class="card" aria-labelledby="setup">
      <header class="section-head">
        <h2 id="setup">Data and setup</h2>
      </header>
      {!answer && (failure ? <p class="hint">{failure.message}</p> : <Reading what="setup" />)}
      {answer && <Sheet answer={answer} />}
    </section>
  );
}

function Sheet({ answer }: { answer: Setup }) {
  const layers = answer.groups.find(({ title }) => title === FOLDED);
  return (
    <div class="setup">
      {answer.groups.length > 0 ? (
        <div class="setup-groups">
          {answer.groups
            .filter(group => group !== layers)
            .map(({ title, facts }) => (
              <Facts key={title} title={title} facts={facts} />
            ))}
        </div>
      ) : (
        <p class="hint">No model card: settings and layers are known only for runs recorded by the callback.</p>
      )}
      <div class="setup-data">
        <DataTable data={answer.data} />
        {answer.labels && <LabelHistogram labels={answer.labels} />}
      </div>
      <Recorded answer={answer} />
      {layers && (
        <details class="setup-layers">
          <summary>{plural(layers.facts.length, "layer")} as set up</summary>
          <Facts title="" facts={layers.facts} />
        </details>
      )}
    </div>
  );
}

function Facts({ title, facts }: { title: string; facts: readonly Fact[] }) {
  return (
    <div>
      {title && <h3>{title}</h3>}
      <dl class="facts">
        {facts.map(({ label, value }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{typeof value === "number" ? number(value) : value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function DataTable({ data }: { data: DataSheet }) {
  if (!data.rows.length) return <p class="hint">No statistics of inputs and targets were recorded.</p>;
  return (
    <div>
      <h3>Data</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: many inputs scroll sideways, which must work from the keyboard */}
      <section class="sideways" aria-label="Inputs, targets and predictions" tabIndex={0}>
        <table class="figures">
          <thead>
            <tr>
              <td />
              {data.rows.map(({ name, kind }) => (
                <th scope="col" class="value" key={name}>
                  {words(kind)}
                  <small>
                    <Name name={name.replace(`${kind}:`, "")} most={COLUMN} />
                  </small>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {data.columns.map(({ id, label }, at) => (
              <tr key={id}>
                <th scope="row">{label}</th>
                {data.rows.map(({ name, values }) => (
                  <td class="value" key={name}>
                    {values[at] == null ? "" : number(values[at])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

function Recorded({ answer }: { answer: Setup }) {
  const { recorded, cadence, cost } = answer;
  return (
    <div>
      <h3>Recorded</h3>
      <p class="muted">
        {cadence !== null && `Sampled ${cadence === "auto" ? "at the cadence “auto”" : `every ${cadence} steps`}. `}
        {cost && `Sampling added ${measured(cost.share, "share")} to the time of plain steps.`}
      </p>
      <table class="figures">
        <thead>
          <tr>
            <td />
            <th scope="col" class="value">
              Records
            </th>
            <th scope="col">From, to</th>
            <th scope="col">Lately every</th>
          </tr>
        </thead>
        <tbody>
          {recorded.map(part => (
            <RecordedRow key={part.label} part={part} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function RecordedRow({ part }: { part: Recording }) {
  const { label, shown, written, steps, gap } = part;
  return (
    <tr class={shown ? "" : "muted"}>
      <th scope="row">{label}</th>
      <td class="value">
        {shown < written ? `${integer(shown)} of ${integer(written)}` : shown ? integer(shown) : "none"}
      </td>
      <td>{steps && stepSpan(steps, stepUnit.value)}</td>
      <td>{gap !== null && plural(gap, stepUnit.value)}</td>
    </tr>
  );
}
