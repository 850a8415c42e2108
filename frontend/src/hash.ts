// What does the address say? TensorBoard keeps a plugin's state in the hash as `#lossdiag&p.lossdiag.<key>=<value>`.

const PLUGIN = "lossdiag";
const PREFIX = `p.${PLUGIN}.`;

/** What a link to the tab can fix; a missing key leaves the choice to the tab. */
export interface Place {
  run?: string;
  statistic?: string;
  row?: string;
}

const KEYS = ["run", "statistic", "row"] as const;

/** The place named by a hash such as "#lossdiag&p.lossdiag.run=exp%201"; broken escapes are taken as they stand. */
export function parseHash(hash: string): Place {
  const place: Place = {};
  for (const part of hash.replace(/^#/, "").split("&")) {
    const at = part.indexOf("=");
    const key = KEYS.find(known => part.slice(0, at) === PREFIX + known);
    if (key) place[key] = unescaped(part.slice(at + 1));
  }
  return place;
}

/** The hash with this place in it; what other plugins keep there stays. */
export function formatHash(hash: string, place: Place): string {
  const [tab = PLUGIN, ...parts] = hash.replace(/^#/, "").split("&");
  const others = parts.filter(part => !part.startsWith(PREFIX));
  const ours = KEYS.flatMap(key => {
    const value = place[key];
    return value === undefined ? [] : [`${PREFIX}${key}=${encodeURIComponent(value)}`];
  });
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
