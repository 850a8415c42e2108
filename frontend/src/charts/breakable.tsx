// Where may a long name break? After its separators, so that no word is cut.

import type { ComponentChildren } from "preact";

export function breakable(name: string): ComponentChildren {
  return pieces(name).map((piece, at) => (at ? [<wbr key={at} />, piece] : piece));
}

export function pieces(name: string): string[] {
  return name.split(/(?<=[/_-]|\.(?!\d))/);
}
