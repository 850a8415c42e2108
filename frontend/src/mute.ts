// Which findings does the reader not want to see any more? By cause id, kept in this browser and in the link.

import { signal } from "@preact/signals";

const KEY = "tb_lossdiag.muted";

export const muted = signal<readonly string[]>(remembered());

export function toggleMute(id: string): void {
  muted.value = muted.value.includes(id) ? muted.value.filter(other => other !== id) : [...muted.value, id];
  try {
    localStorage.setItem(KEY, JSON.stringify(muted.value));
  } catch {
    // A notebook's frame may be denied storage: the link still has it.
  }
}

function remembered(): readonly string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter(id => typeof id === "string") : [];
  } catch {
    return [];
  }
}
