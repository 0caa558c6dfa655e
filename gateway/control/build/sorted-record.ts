import { isDeepStrictEqual } from 'node:util';
import { compareText } from '../resource/age.ts';

/**
 * A record of units in the order of their keys. A unit that comes again with the same content keeps its identity, and
 * while nothing changes at all so does the record.
 */
export class SortedRecord<V extends { readonly key: string }> {
  #keys: string[] = [];
  #record: Readonly<Record<string, V>> = Object.freeze({});

  get current(): Readonly<Record<string, V>> {
    return this.#record;
  }

  /** The record with these units set and those keys removed. */
  change(set: readonly V[], removed: readonly string[]): Readonly<Record<string, V>> {
    const changed = set.filter((unit) => !isDeepStrictEqual(this.#record[unit.key], unit));
    const gone = new Set(removed.filter((key) => key in this.#record));
    if (changed.length === 0 && gone.size === 0) return this.#record;
    this.#changeKeys(changed, gone);
    const fresh = new Map(changed.map((unit) => [unit.key, unit]));
    const record: Record<string, V> = {};
    for (const key of this.#keys) record[key] = fresh.get(key) ?? (this.#record[key] as V);
    this.#record = Object.freeze(record);
    return this.#record;
  }

  /** The record of exactly these units. */
  replace(units: readonly V[]): Readonly<Record<string, V>> {
    const keys = new Set(units.map(({ key }) => key));
    return this.change(
      units,
      this.#keys.filter((key) => !keys.has(key)),
    );
  }

  #changeKeys(changed: readonly V[], gone: ReadonlySet<string>): void {
    const added = changed.map(({ key }) => key).filter((key) => !(key in this.#record));
    if (gone.size > 0) this.#keys = this.#keys.filter((key) => !gone.has(key));
    if (added.length > 0) this.#keys = [...this.#keys, ...added].sort(compareText);
  }
}
