import type { Timers } from '../../support/timers.ts';

/** A file that came by a rename is whole; events of one moment are taken together. */
const RENAME_MS = 5;
/** A file that is written in place, or that is gone, is believed after so long without another event. */
export const QUIET_MS = 250;
/** Files that go one after another are taken together, but not later than this after the first. */
const LONGEST_REMOVAL_MS = 600;

/** A path whose time has come; `renamed` was not waited for and may still be half done. */
export type Settled = { readonly path: string; readonly kind: 'renamed' | 'quiet' | 'gone' };

/**
 * Decides WHEN a path is looked at: renames at once, writes in place after quiet, removals together after quiet.
 * Never looks at a file itself.
 */
export class Settling {
  readonly #timers: Timers;
  readonly #ready: (paths: readonly Settled[]) => void;
  readonly #present = new Map<string, { readonly kind: 'renamed' | 'quiet'; readonly due: number }>();
  readonly #gone = new Set<string>();
  #goneSince = 0;
  #goneDue = Number.POSITIVE_INFINITY;
  #armedFor = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(options: { timers: Timers; ready: (paths: readonly Settled[]) => void }) {
    this.#timers = options.timers;
    this.#ready = options.ready;
  }

  /** Created, moved in, moved away or deleted. */
  renamed(path: string): void {
    const quiet = this.#present.get(path)?.kind === 'quiet';
    this.#wait(path, quiet ? 'quiet' : 'renamed', quiet ? QUIET_MS : RENAME_MS);
  }

  /** Written in place, or its mode or times changed. */
  written(path: string): void {
    this.#wait(path, 'quiet', QUIET_MS);
  }

  /** Not there when looked at: an editor may be about to put it back, and others may go with it. */
  gone(path: string): void {
    const now = this.#timers.now();
    if (this.#gone.size === 0) this.#goneSince = now;
    this.#present.delete(path);
    this.#gone.add(path);
    this.#goneDue = Math.min(now + QUIET_MS, this.#goneSince + LONGEST_REMOVAL_MS);
    this.#arm(this.#goneDue);
  }

  /** True when an event came that was not looked at yet. */
  isWaiting(path: string): boolean {
    return this.#present.has(path) || this.#gone.has(path);
  }

  close(): void {
    this.#cancel?.();
    this.#present.clear();
    this.#gone.clear();
  }

  #wait(path: string, kind: 'renamed' | 'quiet', ms: number): void {
    const due = this.#timers.now() + ms;
    this.#gone.delete(path);
    this.#present.set(path, { kind, due });
    this.#arm(due);
  }

  /** One timer for all: it may ring early, never late. */
  #arm(due: number): void {
    if (due >= this.#armedFor) return;
    this.#cancel?.();
    this.#armedFor = due;
    this.#cancel = this.#timers.after(Math.max(0, due - this.#timers.now()), () => this.#ring());
  }

  #ring(): void {
    const now = this.#timers.now();
    const settled: Settled[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const [path, { kind, due }] of this.#present) {
      if (due > now) {
        next = Math.min(next, due);
        continue;
      }
      this.#present.delete(path);
      settled.push({ path, kind });
    }
    if (this.#gone.size > 0 && this.#goneDue <= now) {
      for (const path of this.#gone) settled.push({ path, kind: 'gone' });
      this.#gone.clear();
    } else if (this.#gone.size > 0) next = Math.min(next, this.#goneDue);
    this.#armedFor = Number.POSITIVE_INFINITY;
    if (next < Number.POSITIVE_INFINITY) this.#arm(next);
    if (settled.length > 0) this.#ready(settled);
  }
}
