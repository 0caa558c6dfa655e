import type { ResourceKey } from '../../resource/resource.ts';

/** A change waits at most so long for the endpoints of its destinations. */
export const ENDPOINTS_MS = 60_000;

type Wait = { readonly fingerprint: string; readonly until: number };

/** Which versions wait for endpoints, and how long they may still. A version's time begins when it is first seen to wait. */
export class Patience {
  readonly #now: () => number;
  readonly #waits = new Map<ResourceKey, Wait>();
  /** Those that wait for nothing else at the moment. */
  readonly #waiting = new Set<ResourceKey>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** True when this version has waited long enough: it is then served as written. */
  isOver(key: ResourceKey, fingerprint: string): boolean {
    const wait = this.#waits.get(key);
    return wait?.fingerprint === fingerprint && this.#now() >= wait.until;
  }

  /** The version waits; gives until when. */
  wait(key: ResourceKey, fingerprint: string): number {
    const known = this.#waits.get(key);
    const until = known?.fingerprint === fingerprint ? known.until : this.#now() + ENDPOINTS_MS;
    this.#waits.set(key, { fingerprint, until });
    this.#waiting.add(key);
    return until;
  }

  /** The object is decided about anew; its time goes on. */
  interrupt(key: ResourceKey): void {
    this.#waiting.delete(key);
  }

  /** Forgets the times of all others. */
  keepOnly(needed: ReadonlySet<ResourceKey>): void {
    for (const key of this.#waits.keys()) if (!needed.has(key)) this.#waits.delete(key);
  }

  /** Objects that wait for endpoints. */
  get waiting(): ReadonlySet<ResourceKey> {
    return this.#waiting;
  }

  /** When the first of them has waited long enough; undefined when nobody waits. */
  get until(): number | undefined {
    const times = [...this.#waiting].flatMap((key) => this.#waits.get(key)?.until ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}
