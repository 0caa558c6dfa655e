import { isDeepStrictEqual } from 'node:util';
import { compareText } from './age.ts';

/**
 * A record of units in the order of their keys. A unit that comes again with the same content keeps its identity, and
 * while nothing changes at all so does the record.
 */
export class SortedRecord<V extends { readonly key: string }> {
  #keys: readonly string[] = [];
  #record: Readonly<Record<string, V>> = Object.freeze({});

  /** The record of these units, which may come in any order. */
  update(units: Iterable<V>): Readonly<Record<string, V>> {
    const byKey = new Map<string, V>();
    for (const unit of units) byKey.set(unit.key, this.#known(unit));
    if (!this.#hasKeysOf(byKey)) this.#keys = [...byKey.keys()].sort(compareText);
    else if (this.#keys.every((key) => this.#record[key] === byKey.get(key))) return this.#record;
    const record: Record<string, V> = {};
    for (const key of this.#keys) record[key] = byKey.get(key) as V;
    this.#record = Object.freeze(record);
    return this.#record;
  }

  #known(unit: V): V {
    const known = this.#record[unit.key];
    return known !== undefined && known !== unit && isDeepStrictEqual(known, unit) ? known : unit;
  }

  #hasKeysOf(units: ReadonlyMap<string, V>): boolean {
    return units.size === this.#keys.length && this.#keys.every((key) => units.has(key));
  }
}
