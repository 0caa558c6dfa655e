/** Failed attempts an address may have at once, and how long until one more is given back. */
const BURST = 10;
const REFILL_MS = 1_000;
/** Addresses remembered; the one unseen for longest is forgotten first. */
const REMEMBERED = 256;

type Bucket = { left: number; at: number };

/**
 * Counts failed authentications by client address, in bounded memory. It only ever slows down wrong tokens: a
 * right one always passes, so that nobody can lock the operator out.
 */
export class FailureLimit {
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Notes one failure; false when this address has used up its attempts for now. */
  permits(address: string): boolean {
    const bucket = this.#bucketOf(address);
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }

  /** Addresses remembered at present. */
  get size(): number {
    return this.#buckets.size;
  }

  #bucketOf(address: string): Bucket {
    const now = this.#now();
    const known = this.#buckets.get(address);
    this.#buckets.delete(address);
    const bucket =
      known === undefined
        ? { left: BURST, at: now }
        : { left: Math.min(BURST, known.left + (now - known.at) / REFILL_MS), at: now };
    this.#buckets.set(address, bucket);
    if (this.#buckets.size > REMEMBERED) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    return bucket;
  }
}
