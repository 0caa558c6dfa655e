import { hashUnits, hashUnitsInSteps } from '../snapshot/hash.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { inSlices } from '../support/slices.ts';

/** Hashing is worked on so long at a time, */
const SLICE_MS = 5;
/** and again at most this often. */
const EVERY_MS = 1_000;

/**
 * The hash of what is served. All units of a large cluster take a quarter of a second, in which a change would wait: so
 * they are hashed in slices as soon as they are served, and there is little left to do for whoever asks.
 */
export class ServedHash {
  readonly #served: () => Snapshot | undefined;
  #isPreparing = false;
  #known: { readonly snapshot: Snapshot; readonly hash: string } | undefined;

  constructor(served: () => Snapshot | undefined) {
    this.#served = served;
  }

  /** Hex; empty while nothing is served. */
  get current(): string {
    const snapshot = this.#served();
    if (snapshot === undefined) return '';
    if (this.#known?.snapshot !== snapshot) this.#known = { snapshot, hash: hashUnits(snapshot) };
    return this.#known.hash;
  }

  /** Something else is served now. */
  changed(): void {
    if (!this.#isPreparing) void this.#prepare();
  }

  async #prepare(): Promise<void> {
    this.#isPreparing = true;
    for (let snapshot = this.#served(); snapshot !== undefined && snapshot !== this.#known?.snapshot; ) {
      this.#known = { snapshot, hash: await inSlices(hashUnitsInSteps(snapshot), SLICE_MS) };
      await new Promise<void>((resolve) => setTimeout(resolve, EVERY_MS).unref());
      snapshot = this.#served();
    }
    this.#isPreparing = false;
  }
}
