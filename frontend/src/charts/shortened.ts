// How is a name told that has no room? Cut in the middle, since names differ at both ends, and never through a character.

const CHARACTERS = new Intl.Segmenter("en", { granularity: "grapheme" });

/** What a reader takes for one character each, such as a flag or a letter with its accents. */
export function characters(text: string): string[] {
  return Array.from(CHARACTERS.segment(text), ({ segment }) => segment);
}

/** The name with at most so many characters. */
export function shortened(name: string, most: number): string {
  if (name.length <= most) return name;
  const all = characters(name);
  return all.length <= most ? name : cut(all, most - 1);
}

/** The first and last of the characters, `kept` of them. */
export function cut(all: readonly string[], kept: number): string {
  const head = Math.ceil(kept / 2);
  return `${all.slice(0, head).join("")}…${all.slice(all.length - (kept - head)).join("")}`;
}
