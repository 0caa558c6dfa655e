import { type Bucket, BucketIndex } from '../catalog/bucket-index.ts';
import type { Reads } from '../catalog/reads.ts';

/** The time as a check sees it: only before or after which moment it is. */
export type ClockReader = {
  isAfter(time: number): boolean;
  isBefore(time: number): boolean;
};

/** The time as something that is read: who asked for a moment that was to come is asked again once it has come. */
export class Clock {
  readonly #index = new BucketIndex<object>({ namesOf: () => ['now'], compare: () => 0 });
  #tick = {};
  #now: number | undefined;
  /** The last moment for which every answer so far holds. */
  #holdsUntil = Number.POSITIVE_INFINITY;

  /** Sets the time; gives what has changed by it. */
  advance(now: number | undefined, revision: number): readonly Bucket<never>[] {
    this.#now = now;
    if (now === undefined || now <= this.#holdsUntil) return [];
    this.#holdsUntil = Number.POSITIVE_INFINITY;
    const before = this.#tick;
    this.#tick = {};
    const changed = this.#index.apply([{ before, after: this.#tick }], revision);
    return [...changed.values()] as unknown as Bucket<never>[];
  }

  reader(reads: Reads): ClockReader {
    return {
      isAfter: (time) => this.#isAfter(time, reads),
      isBefore: (time) => this.#now !== undefined && !this.#isAfter(time - 1, reads),
    };
  }

  /** Milliseconds are whole. False where nobody told what time it is. */
  #isAfter(time: number, reads: Reads): boolean {
    if (this.#now === undefined) return false;
    if (this.#now > time) return true;
    reads.items(this.#index, 'now');
    this.#holdsUntil = Math.min(this.#holdsUntil, time);
    return false;
  }
}
