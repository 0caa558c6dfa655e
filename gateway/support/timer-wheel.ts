/**
 * Deadlines for very many things at once: one coarse tick for all, no timer and no allocation per deadline.
 * Setting a later deadline only stores a number; the entry is moved when its old place comes up.
 * Deadlines are monotonic (`performance.now()`), so clock steps do not matter; they fire up to two ticks late, never early.
 */

const SLOTS = 512;

/** Something that can expire. Owned and embedded by the thing it watches (a connection). */
export class Deadline {
  /** Milliseconds on the wheel's clock; Infinity while disarmed. Managed by the wheel. */
  at = Infinity;
  /** The tick of the slot the entry is linked into; -1 while it is in none. */
  slotTick = -1;
  next: Deadline | undefined;
  previous: Deadline | undefined;
  readonly expire: () => void;

  constructor(expire: () => void) {
    this.expire = expire;
  }
}

/** A hashed wheel. Its tick does not keep the process alive and stops while there are no entries. */
export class TimerWheel {
  /** Wheel time. A caller that has just read the clock for another reason may set it. */
  now: number;
  readonly #slots: (Deadline | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  readonly #tickMs: number;
  readonly #clock: () => number;
  readonly #due: Deadline[] = [];
  #tick: number;
  #entries = 0;
  #interval: NodeJS.Timeout | undefined;

  constructor(options: { tickMs?: number; clock?: () => number } = {}) {
    this.#tickMs = options.tickMs ?? 50;
    this.#clock = options.clock ?? (() => performance.now());
    this.now = this.#clock();
    this.#tick = Math.floor(this.now / this.#tickMs);
  }

  /** Reads the clock. */
  touch(): number {
    this.now = this.#clock();
    return this.now;
  }

  /** Lets `entry` expire `ms` from `now`, instead of whatever was set before. */
  set(entry: Deadline, ms: number): void {
    if (this.#interval === undefined) this.#start();
    const at = this.now + ms;
    entry.at = at;
    const tick = Math.floor(at / this.#tickMs) + 1;
    if (entry.slotTick === -1) this.#link(entry, tick);
    else if (tick < entry.slotTick) {
      this.#unlink(entry);
      this.#link(entry, tick);
    }
  }

  /** Disarms without touching the lists: the entry leaves them when its slot comes up. */
  clear(entry: Deadline): void {
    entry.at = Infinity;
  }

  /** Disarms and forgets the entry: for owners that go away. */
  remove(entry: Deadline): void {
    entry.at = Infinity;
    if (entry.slotTick !== -1) this.#unlink(entry);
    if (this.#entries === 0) this.stop();
  }

  /** Fires what is due. Called by the tick; tests call it with their own clock. */
  advance(): void {
    const now = this.touch();
    const target = Math.floor(now / this.#tickMs);
    // After a long stall one full turn visits every slot; more turns would find nothing new.
    if (target - this.#tick > SLOTS) this.#tick = target - SLOTS;
    while (this.#tick < target) {
      this.#tick += 1;
      this.#collect(this.#tick);
    }
    for (const entry of this.#due) this.#settle(entry, now);
    this.#due.length = 0;
    if (this.#entries === 0) this.stop();
  }

  /** Ends the tick; the next `set` starts it again. */
  stop(): void {
    clearInterval(this.#interval);
    this.#interval = undefined;
  }

  /** Takes out what lies in the slot of `tick`, before anything is fired: firing changes the lists. */
  #collect(tick: number): void {
    let entry = this.#slots[tick % SLOTS];
    while (entry !== undefined) {
      const next: Deadline | undefined = entry.next;
      if (entry.slotTick <= tick) {
        this.#unlink(entry);
        this.#due.push(entry);
      }
      entry = next;
    }
  }

  #settle(entry: Deadline, now: number): void {
    if (entry.slotTick !== -1) return; // set anew by an entry that fired before it
    if (entry.at <= now) {
      entry.at = Infinity;
      entry.expire();
    } else if (entry.at !== Infinity) {
      this.#link(entry, Math.floor(entry.at / this.#tickMs) + 1);
    }
  }

  #link(entry: Deadline, wanted: number): void {
    const tick = wanted > this.#tick ? wanted : this.#tick + 1;
    const index = tick % SLOTS;
    const head = this.#slots[index];
    entry.slotTick = tick;
    entry.previous = undefined;
    entry.next = head;
    if (head !== undefined) head.previous = entry;
    this.#slots[index] = entry;
    this.#entries += 1;
  }

  #unlink(entry: Deadline): void {
    if (entry.previous === undefined) this.#slots[entry.slotTick % SLOTS] = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next !== undefined) entry.next.previous = entry.previous;
    entry.next = undefined;
    entry.previous = undefined;
    entry.slotTick = -1;
    this.#entries -= 1;
  }

  #start(): void {
    this.#tick = Math.floor(this.touch() / this.#tickMs);
    this.#interval = setInterval(() => this.advance(), this.#tickMs);
    this.#interval.unref();
  }
}
