import type { Timers } from '#gateway/support/timers.ts';

/** Timers that move only when told to. */
export class ManualTimers implements Timers {
  #now = 0;
  #serial = 0;
  readonly #waiting = new Map<number, { readonly due: number; readonly action: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, action: () => void): () => void {
    this.#serial += 1;
    const id = this.#serial;
    this.#waiting.set(id, { due: this.#now + ms, action });
    return () => void this.#waiting.delete(id);
  }

  /** Moves on by `ms`, calling what falls due, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = [...this.#waiting].filter(([, { due }]) => due <= end).sort((a, b) => a[1].due - b[1].due)[0];
      if (next === undefined) break;
      this.#waiting.delete(next[0]);
      this.#now = Math.max(this.#now, next[1].due);
      next[1].action();
    }
    this.#now = end;
  }

  get pending(): number {
    return this.#waiting.size;
  }
}
