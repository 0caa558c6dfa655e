/**
 * A lookup by string, for the path of every request. It promises to allocate nothing and to call nothing outside
 * JavaScript: a `Map` makes V8 enter each new string into a table of its own first, which with ten thousand names costs more
 * than all the rest of the routing. Immutable. Called with the hash of a text, or of its end, see {@link hashBefore}.
 */
export class StringTable<V> {
  readonly size: number;
  readonly #mask: number;
  /** Open addressing: hash, and one more than the index of the entry (0: none), in turns. */
  readonly #slots: Int32Array;
  /** Key and value in turns: one place in memory for both. */
  readonly #entries: readonly (string | V)[];

  /** Of two entries with the same key the later one counts. */
  constructor(entries: Iterable<readonly [key: string, value: V]>) {
    const distinct = new Map(entries);
    this.size = distinct.size;
    const capacity = 2 ** Math.ceil(Math.log2(2 * Math.max(1, distinct.size)));
    this.#mask = capacity - 1;
    this.#slots = new Int32Array(2 * capacity);
    const flat: (string | V)[] = [];
    for (const [key, value] of distinct) {
      flat.push(key, value);
      this.#file(hashOf(key), flat.length / 2);
    }
    this.#entries = flat;
  }

  /** What is stored under `key`. */
  get(key: string): V | undefined {
    return this.size === 0 ? undefined : this.find(key, 0, hashOf(key));
  }

  /** What is stored under the part of `text` from `start` on, whose hash is `hash`. */
  find(text: string, start: number, hash: number): V | undefined {
    const slots = this.#slots;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const place = slots[2 * slot + 1] as number;
      if (place === 0) return undefined;
      if (slots[2 * slot] !== hash) continue;
      const key = this.#entries[2 * place - 2] as string;
      const isSame = start === 0 ? key === text : key.length === text.length - start && text.endsWith(key);
      if (isSame) return this.#entries[2 * place - 1] as V;
    }
  }

  /** In no particular order. */
  *entries(): Generator<readonly [key: string, value: V]> {
    for (let at = 0; at < this.#entries.length; at += 2)
      yield [this.#entries[at] as string, this.#entries[at + 1] as V];
  }

  #file(hash: number, place: number): void {
    let slot = hash & this.#mask;
    while (this.#slots[2 * slot + 1] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[2 * slot] = hash;
    this.#slots[2 * slot + 1] = place;
  }
}

/** The hash of an empty text. */
export const EMPTY_HASH = 0x811c9dc5 | 0;

/** The hash of a text that begins with the character `code` before a text whose hash is `hash` (FNV-1a from the end). */
export function hashBefore(code: number, hash: number): number {
  return Math.imul(hash ^ code, 0x01000193);
}

/** The hash of a whole text. */
export function hashOf(text: string): number {
  let hash = EMPTY_HASH;
  for (let at = text.length - 1; at >= 0; at--) hash = hashBefore(text.charCodeAt(at), hash);
  return hash;
}
