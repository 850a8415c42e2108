// Where may a long name break? After its separators, so that no word is cut.

import type { ComponentChildren } from "preact";
import { shortened } from "./shortened.ts";

/** Names longer than this are cut where there are many of them: nobody reads them through to tell one from another. */
const LONG = 72;

interface NameProps {
  name: string;
  most?: number;
  /** Whether it stays on one line: a <wbr> breaks whatever the style sheet says of white space. */
  isOneLine?: boolean;
}

/** A name in a list, whole under the pointer and for whoever listens. */
export function Name({ name, most = LONG, isOneLine = false }: NameProps) {
  const short = shortened(name, most);
  const text = isOneLine ? short : breakable(short);
  if (short === name) return <bdi>{text}</bdi>;
  return (
    <bdi title={name}>
      <span aria-hidden="true">{text}</span>
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
