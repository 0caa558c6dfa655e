/** Tries of one entry double their distance from the first to the last of these. */
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 5 * 60_000;
/** Dues are rounded up to this, so that what waits is looked through so often at most. */
const GRID_MS = 100;

/**
 * Whose turn comes first: what somebody has changed (`told`) before what was found when all was looked through, and what
 * is or was broken before what is well. `soon` is what was found broken, and what changes all the time.
 */
export const LANES = ['told-broken', 'told', 'soon', 'found'] as const;
export type Lane = (typeof LANES)[number];

/** An entry whose turn it is. */
export type Turn = { readonly key: string; readonly lane: Lane; readonly failures: number };

type Entry = Omit<Turn, 'key'> & { readonly due: number };

/**
 * Keys that wait for their turn, each once; a better lane never waits behind a worse one. At most `limit` keys: what
 * does not fit is found by the next survey.
 */
export class WorkQueue {
  readonly #limit: number;
  readonly #ready: Readonly<Record<Lane, Map<string, Entry>>>;
  readonly #later = new Map<string, Entry>();
  #nextDue = Number.POSITIVE_INFINITY;
  #overflowed = false;

  constructor(limit: number) {
    this.#limit = limit;
    this.#ready = { 'told-broken': new Map(), told: new Map(), soon: new Map(), found: new Map() };
  }

  get size(): number {
    return LANES.reduce((sum, lane) => sum + this.#ready[lane].size, this.#later.size);
  }

  /** Waits until `due`; a key that waits in this lane or a better one keeps its place, and a failing one its distance. */
  add(key: string, due: number, lane: Lane): void {
    const waiting = this.#find(key);
    if (waiting !== undefined && LANES.indexOf(waiting.lane) <= LANES.indexOf(lane)) return;
    if (waiting === undefined && this.size >= this.#limit) {
      this.#overflowed = true;
      return;
    }
    this.drop(key);
    this.#put(key, { due, lane, failures: waiting?.failures ?? 0 });
  }

  /** The key whose turn it is, of these lanes; it waits no more. */
  take(now: number, lanes: readonly Lane[] = LANES): Turn | undefined {
    this.#promote(now);
    for (const lane of lanes) {
      const [next] = this.#ready[lane];
      if (next === undefined) continue;
      const [key, { failures }] = next;
      this.#ready[lane].delete(key);
      return { key, lane, failures };
    }
    return undefined;
  }

  /** It cannot be done yet, through no fault of its own. A newer entry of the key stands. */
  postpone({ key, lane, failures }: Turn, due: number): void {
    if (this.#find(key) === undefined) this.#put(key, { due, lane, failures });
  }

  /** It did not work: again, later each time, and not before the API server wants. */
  again({ key, lane, failures }: Turn, now: number, atLeastMs = 0): void {
    const distance = Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS);
    const waiting = this.#find(key);
    this.drop(key);
    this.#put(key, {
      due: now + Math.max(distance, atLeastMs),
      lane: waiting !== undefined && LANES.indexOf(waiting.lane) < LANES.indexOf(lane) ? waiting.lane : lane,
      failures: failures + 1,
    });
  }

  /** It waits no more. */
  drop(key: string): void {
    this.#later.delete(key);
    for (const lane of LANES) this.#ready[lane].delete(key);
  }

  /** True once after something did not fit, when there is room again. */
  hasOverflowed(): boolean {
    if (this.size > this.#limit / 2) return false;
    const overflowed = this.#overflowed;
    this.#overflowed = false;
    return overflowed;
  }

  #find(key: string): Entry | undefined {
    for (const lane of LANES) {
      const entry = this.#ready[lane].get(key);
      if (entry !== undefined) return entry;
    }
    return this.#later.get(key);
  }

  #put(key: string, entry: Entry): void {
    const due = Math.ceil(entry.due / GRID_MS) * GRID_MS;
    this.#later.set(key, { ...entry, due });
    this.#nextDue = Math.min(this.#nextDue, due);
  }

  #promote(now: number): void {
    if (now < this.#nextDue) return;
    this.#nextDue = Number.POSITIVE_INFINITY;
    for (const [key, entry] of this.#later) {
      if (entry.due > now) {
        this.#nextDue = Math.min(this.#nextDue, entry.due);
        continue;
      }
      this.#later.delete(key);
      this.#ready[entry.lane].set(key, entry);
    }
  }
}
