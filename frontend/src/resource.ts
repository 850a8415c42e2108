// What was the newest answer to the newest question? An older answer that comes late is dropped.

import { batch, signal } from "@preact/signals";

export class Resource<T> {
  readonly value = signal<T | null>(null);
  readonly error = signal<Error | null>(null);
  private question: string | null = null;
  private running: AbortController | null = null;

  /**
   * Asks, and keeps the answer. A new question clears the last one's answer at once; asking the same again keeps it
   * until the new one is here, so that nothing on the page jumps.
   */
  async load(question: string, ask: (signal: AbortSignal) => Promise<T>): Promise<void> {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    if (question !== this.question) this.clear(question);
    try {
      const answer = await ask(running.signal);
      if (running.signal.aborted) return;
      batch(() => {
        this.value.value = answer;
        this.error.value = null;
      });
    } catch (error) {
      if (!running.signal.aborted) this.error.value = error instanceof Error ? error : new Error(String(error));
    }
  }

  private clear(question: string): void {
    this.question = question;
    batch(() => {
      this.value.value = null;
      this.error.value = null;
    });
  }
}
