// Where may a long name break? After its separators, so that no word is cut.

import type { ComponentChildren } from "preact";
import { shortened } from "./shortened.ts";

/** Names longer than this are cut where there are many of them: nobody reads them through to tell one from another. */
const LONG = 72;

/** A name in a list, whole under the pointer and for whoever listens. */
export function Name({ name, most = LONG }: { name: string; most?: number }) {
  const short = shortened(name, most);
  if (short === name) return <bdi>{breakable(name)}</bdi>;
  return (
    <bdi title={name}>
      <span aria-hidden="true">{breakable(short)}</span>
      <span class="offscreen">{name}</span>
    </bdi>
  );
}

export function breakable(name: string): ComponentChildren {
  return pieces(name).map((piece, at) => (at ? [<wbr key={at} />, piece] : piece));
}

export function pieces(name: string): string[] {
  return name.split(/(?<=[/_-]|\.(?!\d))/);
}
