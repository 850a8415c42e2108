// How is a field of a JSON answer read, so that a wrong one is named with its place?

import type { Steps } from "./wire.ts";

/** A JSON object with its place in the answer, so that an error can say where it stood. */
export class Fields {
  constructor(
    private readonly value: Readonly<Record<string, unknown>>,
    private readonly place: string,
  ) {}

  static of(value: unknown, place: string): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new TypeError(`${place}: expected an object, got ${JSON.stringify(value)}`);
    }
    return new Fields(value as Record<string, unknown>, place);
  }

  private wrong(key: string, expected: string): TypeError {
    return new TypeError(`${this.place}.${key}: expected ${expected}, got ${JSON.stringify(this.value[key])}`);
  }

  text(key: string): string {
    const value = this.value[key];
    if (typeof value !== "string") throw this.wrong(key, "a text");
    return value;
  }

  textOrNull(key: string): string | null {
    return this.value[key] == null ? null : this.text(key);
  }

  number(key: string): number {
    const value = numberOf(this.value[key]);
    if (value === null) throw this.wrong(key, "a number");
    return value;
  }

  numberOrNull(key: string): number | null {
    return this.value[key] == null ? null : this.number(key);
  }

  textOrNumber(key: string): string | number | null {
    const value = this.value[key];
    return typeof value === "string" ? value : this.numberOrNull(key);
  }

  flag(key: string): boolean {
    return this.value[key] === true;
  }

  word<T extends string>(key: string, known: readonly T[]): T {
    const value = this.value[key] as T;
    if (!known.includes(value)) throw this.wrong(key, `one of ${known.join(", ")}`);
    return value;
  }

  list<T>(key: string, decode: (part: unknown, place: string) => T): T[] {
    const value = this.value[key];
    if (!Array.isArray(value)) throw this.wrong(key, "a list");
    return value.map((part, i) => decode(part, `${this.place}.${key}[${i}]`));
  }

  listOrNull<T>(key: string, decode: (part: unknown, place: string) => T): T[] | null {
    return this.value[key] == null ? null : this.list(key, decode);
  }

  object(key: string): Fields {
    return Fields.of(this.value[key], `${this.place}.${key}`);
  }

  objectOrNull(key: string): Fields | null {
    return this.value[key] == null ? null : this.object(key);
  }

  steps(key: string): Steps | null {
    return this.pair(key, "[first, last]");
  }

  /** Two numbers, which `meaning` names; null when there are none. */
  pair(key: string, meaning: string): [number, number] | null {
    if (this.value[key] == null) return null;
    const [first, second, ...more] = this.list(key, element);
    if (first === undefined || second === undefined || more.length) throw this.wrong(key, meaning);
    return [first, second];
  }

  numbers(): Record<string, number | null> {
    return Object.fromEntries(Object.keys(this.value).map(key => [key, this.numberOrNull(key)]));
  }
}

function numberOf(value: unknown): number | null {
  if (typeof value === "number") return value;
  return value === "NaN" || value === "Infinity" || value === "-Infinity" ? Number(value) : null;
}

export function element(value: unknown, place: string): number {
  const number = numberOf(value);
  if (number === null) throw new TypeError(`${place}: expected a number, got ${JSON.stringify(value)}`);
  return number;
}

export function name(value: unknown, place: string): string {
  if (typeof value !== "string") throw new TypeError(`${place}: expected a text, got ${JSON.stringify(value)}`);
  return value;
}
