/** Tries of one entry double their distance from the first to the last of these. */
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 5 * 60_000;

/** `urgent`: somebody has changed something; `routine`: found when all was looked through. */
export type Urgency = 'urgent' | 'routine';

/** An entry whose turn it is. */
export type Turn = { readonly key: string; readonly failures: number };

type Entry = { readonly due: number; readonly failures: number };

/**
 * Keys that wait for their turn, each once; what is urgent never waits behind what is routine. At most `limit` of each:
 * what does not fit is found by the next survey.
 */
export class WorkQueue {
  readonly #limit: number;
  readonly #urgent = new Map<string, Entry>();
  readonly #routine = new Map<string, Entry>();
  #overflowed = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Waits until `due`; a key that waits already keeps its place, and a failing one its distance. */
  add(key: string, due: number, urgency: Urgency): void {
    const [entries, others] = urgency === 'urgent' ? [this.#urgent, this.#routine] : [this.#routine, this.#urgent];
    if (entries.has(key) || (urgency === 'routine' && others.has(key))) return;
    if (entries.size >= this.#limit) {
      this.#overflowed = true;
      return;
    }
    entries.set(key, { due, failures: others.get(key)?.failures ?? 0 });
    others.delete(key);
  }

  /** The key whose turn it is; it waits no more. */
  take(now: number): Turn | undefined {
    return taken(this.#urgent, now) ?? taken(this.#routine, now);
  }

  /** It did not work: again, later each time, and not before the API server wants. */
  again({ key, failures }: Turn, now: number, atLeastMs = 0): void {
    const distance = Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS);
    this.#urgent.set(key, { due: now + Math.max(distance, atLeastMs), failures: failures + 1 });
  }

  /** True once after something did not fit. */
  hasOverflowed(): boolean {
    const overflowed = this.#overflowed;
    this.#overflowed = false;
    return overflowed;
  }
}

/** In the order of their coming, which is that of their turns but for those that failed. */
function taken(entries: Map<string, Entry>, now: number): Turn | undefined {
  for (const [key, { due, failures }] of entries) {
    if (due > now) continue;
    entries.delete(key);
    return { key, failures };
  }
  return undefined;
}
