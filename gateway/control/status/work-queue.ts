/** Tries of one entry double their distance from the first to the last of these. */
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 5 * 60_000;

type Entry = { due: number; failures: number };

/** Keys that wait for their turn, each once. At most `limit` of them; what does not fit is found by the next survey. */
export class WorkQueue {
  readonly #limit: number;
  readonly #entries = new Map<string, Entry>();
  #overflowed = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Waits until `due`; a key that waits already keeps its place, and a failing one its distance. */
  add(key: string, due: number): void {
    if (this.#entries.has(key)) return;
    if (this.#entries.size >= this.#limit) this.#overflowed = true;
    else this.#entries.set(key, { due, failures: 0 });
  }

  /** The key whose turn it is; it waits no more. */
  take(now: number): { readonly key: string; readonly failures: number } | undefined {
    // In the order of their coming, which is that of their turns but for those that failed.
    for (const [key, { due, failures }] of this.#entries) {
      if (due > now) continue;
      this.#entries.delete(key);
      return { key, failures };
    }
    return undefined;
  }

  /** It did not work: again, later each time, and not before the API server wants. */
  again(key: string, failures: number, now: number, atLeastMs = 0): void {
    const distance = Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS);
    this.#entries.set(key, { due: now + Math.max(distance, atLeastMs), failures: failures + 1 });
  }

  /** When the next turn comes. */
  get nextDue(): number | undefined {
    let next: number | undefined;
    for (const { due } of this.#entries.values()) if (next === undefined || due < next) next = due;
    return next;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** True once after something did not fit. */
  hasOverflowed(): boolean {
    const overflowed = this.#overflowed;
    this.#overflowed = false;
    return overflowed;
  }

  clear(): void {
    this.#entries.clear();
  }
}
