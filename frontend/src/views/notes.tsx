// What was left out while reading the log?

export function Notes({ notes }: { notes: readonly string[] }) {
  if (!notes.length) return null;
  return (
    <section class="card" aria-labelledby="notes">
      <h2 id="notes">While reading the log</h2>
      <ul class="plain">
        {notes.map(note => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </section>
  );
}
