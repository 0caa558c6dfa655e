import type { ResourceKey } from '../resource/resource.ts';
import type { Condition } from './condition.ts';
import type { Found, Seen } from './object-statuses.ts';

/** What objects in the cluster carry of ours, as far as was seen: by surveys, and by the answers to what was written. */
export class Carried {
  readonly #conditions = new Map<ResourceKey, Condition>();
  /** Of objects that wait to be written: enough to do it without asking again. */
  readonly #seen = new Map<ResourceKey, Seen>();
  /** Of objects that were written since the survey began its pages may be older. */
  #writtenSince: Set<ResourceKey> | undefined;

  get(key: ResourceKey): Condition | undefined {
    return this.#conditions.get(key);
  }

  /** How the object was last seen; the holder writes it or asks again, so it is told once. */
  takeSeen(key: ResourceKey): Seen | undefined {
    const seen = this.#seen.get(key);
    this.#seen.delete(key);
    return seen;
  }

  /** The object waits to be written. */
  keepSeen(key: ResourceKey, seen: Seen): void {
    this.#seen.set(key, seen);
  }

  /** Whatever was seen of it is over: it is written now, or was changed. */
  touched(key: ResourceKey): void {
    this.#seen.delete(key);
    this.#writtenSince?.add(key);
  }

  /** What an object carries after it was written, or as it was read. */
  is(key: ResourceKey, condition: Condition | undefined): void {
    if (condition === undefined) this.#conditions.delete(key);
    else this.#conditions.set(key, condition);
  }

  gone(key: ResourceKey): void {
    this.#conditions.delete(key);
    this.#seen.delete(key);
  }

  /** `busy`: objects that are being written as the survey begins. */
  beginSurvey(busy: Iterable<ResourceKey>): void {
    this.#writtenSince = new Set(busy);
    this.#seen.clear();
  }

  /** Takes one page of a survey; what of it is still true. */
  page(page: readonly Found[]): readonly Found[] {
    const fresh = page.filter(({ key }) => this.#writtenSince?.has(key) !== true);
    for (const { key, condition } of fresh) this.is(key, condition);
    return fresh;
  }

  /** All pages were taken: what none of them named is not there. */
  endSurvey(named: ReadonlySet<ResourceKey>): void {
    for (const key of this.#conditions.keys())
      if (!named.has(key) && this.#writtenSince?.has(key) !== true) this.#conditions.delete(key);
    this.#writtenSince = undefined;
  }

  abandonSurvey(): void {
    this.#writtenSince = undefined;
  }
}
