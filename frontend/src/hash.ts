// What does the address say? TensorBoard keeps a plugin's state in the hash as `#lossdiag&p.lossdiag.<key>=<value>`.

import type { Order } from "./views/sorted_rows.ts";
import type { Steps } from "./wire.ts";

const PLUGIN = "lossdiag";
const PREFIX = `p.${PLUGIN}.`;

/**
 * What a link to the tab can fix; a missing key leaves the choice to the tab.
 * steps: the zoomed part. logSteps: whether they are spaced by magnitude. open, mute: ids of the opened and of the
 * muted findings. with: runs compared with `run`. difference: the one of them whose layers are shown.
 * search, collapsed, expanded, lines: which lines the heatmap has, and the part [first, end) of them it is zoomed to.
 * runs: what is searched for among the runs. tables, logs, linears: ids of the charts shown so. order: of the layer table.
 */
export interface Place {
  run?: string;
  statistic?: string;
  row?: string;
  steps?: Steps;
  logSteps?: boolean;
  open?: readonly string[];
  mute?: readonly string[];
  with?: readonly string[];
  difference?: string;
  search?: string;
  collapsed?: readonly string[];
  expanded?: readonly string[];
  lines?: readonly [first: number, end: number];
  runs?: string;
  tables?: readonly string[];
  logs?: readonly string[];
  linears?: readonly string[];
  order?: Order;
}

const TEXTS = ["run", "statistic", "row", "difference", "search", "runs"] as const;
const SPANS = ["steps", "lines"] as const;
const LISTS = ["open", "mute", "with", "collapsed", "expanded", "tables", "logs", "linears"] as const;

/** The place named by a hash such as "#lossdiag&p.lossdiag.run=exp%201"; broken escapes are taken as they stand. */
export function parseHash(hash: string): Place {
  const place: Place = {};
  for (const part of hash.replace(/^#/, "").split("&")) {
    const at = part.indexOf("=");
    if (at < 0 || !part.startsWith(PREFIX)) continue;
    const key = part.slice(PREFIX.length, at);
    const value = unescaped(part.slice(at + 1));
    const text = TEXTS.find(known => known === key);
    const list = LISTS.find(known => known === key);
    if (text) place[text] = value;
    // Escaped twice, so that a comma inside a name does not end it.
    if (list) place[list] = value === "" ? [] : value.split(",").map(unescaped);
    if (key === "log_steps") place.logSteps = value === "yes";
    if (key === "order") place.order = { by: value.replace(/^-/, ""), isDescending: value.startsWith("-") };
    const span = SPANS.find(known => known === key);
    const [, from, to] = /^(\d{1,15})-(\d{1,15})$/.exec(value) ?? [];
    if (span && Number(from) < Number(to)) place[span] = [Number(from), Number(to)];
  }
  return place;
}

/** The hash with this place in it; what other plugins keep there stays. */
export function formatHash(hash: string, place: Place): string {
  const [tab = PLUGIN, ...parts] = hash.replace(/^#/, "").split("&");
  const others = parts.filter(part => !part.startsWith(PREFIX));
  const values: Record<string, string | undefined> = {
    ...Object.fromEntries(TEXTS.map(key => [key, place[key]])),
    ...Object.fromEntries(SPANS.map(key => [key, place[key]?.join("-")])),
    order: place.order && `${place.order.isDescending ? "-" : ""}${place.order.by}`,
    log_steps: place.logSteps === undefined ? undefined : place.logSteps ? "yes" : "no",
    ...Object.fromEntries(LISTS.map(key => [key, place[key]?.map(encodeURIComponent).join(",")])),
  };
  const ours = Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [`${PREFIX}${key}=${encodeURIComponent(value)}`],
  );
  return `#${[tab || PLUGIN, ...others, ...ours].join("&")}`;
}

/** Whether TensorBoard shows our tab: its hash starts with the tab's name. */
export function isOurTab(hash: string): boolean {
  return /^#?lossdiag(&|$)/.test(hash);
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
