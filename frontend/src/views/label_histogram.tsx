// How often does each class come, or where do the targets lie? A bar per class, or a line of numbers per output.

import { integer, measured, number } from "../format.ts";
import type { Labels } from "../setup.ts";

export function LabelHistogram({ labels }: { labels: Labels }) {
  const { kind, written, batches, rows } = labels;
  const isClasses = kind === "classes";
  const most = Math.max(...rows.map(({ mean }) => mean ?? 0));
  return (
    <div>
      <h3>{isClasses ? "Labels" : "Targets"}</h3>
      <p class="muted">
        {isClasses ? "Share of each class" : "Mean and spread of each output"} over {integer(batches)} sampled batches
        {rows.length < written && `; ${integer(rows.length)} of ${integer(written)} shown`}
      </p>
      <table class="labels">
        <thead class="offscreen">
          <tr>
            <th scope="col">{isClasses ? "Class" : "Output"}</th>
            <th scope="col">{isClasses ? "Share" : "Mean"}</th>
            {isClasses ? <td /> : <th scope="col">Spread</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, mean, std }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="value">{isClasses ? measured(mean, "share") : number(mean)}</td>
              <td class={isClasses ? "label-bar" : "value"}>
                {isClasses ? <i style={{ width: `${(100 * (mean ?? 0)) / most}%` }} /> : `± ${number(std)}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
