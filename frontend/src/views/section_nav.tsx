// How does the reader get from part to part of a long page?

const SECTIONS = [
  ["findings", "Findings"],
  ["timeline", "Order of events"],
  ["curves", "Curves"],
  ["layers", "Layers"],
  ["setup", "Data and setup"],
  ["not-checked", "Not checked"],
  ["checks", "Checks"],
] as const;

/** Buttons, not links: the address belongs to TensorBoard. `hidden`: ids of sections this run has not got. */
export function SectionNav({ hidden }: { hidden: readonly string[] }) {
  return (
    <nav class="section-nav" aria-label="Parts of the page">
      {SECTIONS.filter(([id]) => !hidden.includes(id)).map(([id, label]) => (
        <button key={id} type="button" onClick={() => goTo(id)}>
          {label}
        </button>
      ))}
    </nav>
  );
}

function goTo(id: string): void {
  const heading = document.getElementById(id);
  heading?.scrollIntoView();
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
}
