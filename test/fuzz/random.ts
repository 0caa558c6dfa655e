/** A small seeded generator (mulberry32): the same seed gives the same inputs on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer in [0, bound). */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  }

  /** True once in `n` times on average. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** Cuts bytes into pieces: byte by byte, in two, or anyhow. */
  split(bytes: Buffer): Buffer[] {
    const style = this.below(3);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const left = bytes.length - at;
      const size =
        style === 0 ? 1 : style === 1 ? (at === 0 ? 1 + this.below(left) : left) : 1 + this.below(Math.min(left, 24));
      pieces.push(bytes.subarray(at, at + size));
      at += size;
    }
    return pieces;
  }
}
