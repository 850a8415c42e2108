// Which modules did the reader open and close, in as few words as a link has room for?

/** By path. One of the two lists is there: all modules are open but these, or all are closed but these. */
export interface ModuleChoice {
  readonly collapsed?: readonly string[];
  readonly expanded?: readonly string[];
}

/** The shorter way to say which of the known modules are closed. */
export function choiceOf(closed: ReadonlySet<string>, known: readonly string[]): ModuleChoice {
  const collapsed = known.filter(path => closed.has(path));
  const expanded = known.filter(path => !closed.has(path));
  return expanded.length < collapsed.length ? { expanded } : { collapsed };
}

/** Paths of the closed ones. A choice comes from a link too: modules that are not there are left out. */
export function closedBy({ collapsed, expanded }: ModuleChoice, known: readonly string[]): ReadonlySet<string> {
  return new Set(known.filter(path => (collapsed ? collapsed.includes(path) : !expanded?.includes(path))));
}
