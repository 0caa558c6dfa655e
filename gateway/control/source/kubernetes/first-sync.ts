// Promises: says once that all which the cluster holds was told, or that what was known before must do; after a full answer, gives up what nobody tells any more.
// Never: waits for ever while there is something to serve from before a restart, gives anything up because the cluster is slow.
// Called by: kubernetes-source.ts, whenever a kind fares otherwise than before.
import type { Timers } from '../../../support/timers.ts';
import type { ResourceKey } from '../../resource/resource.ts';
import type { SourceEvent } from '../source.ts';
import type { WatchedKindState } from './watched-kind-state.ts';

/** What cannot be read is taken from what was accepted before: soon if something fails, later if it is only slow. */
const PATIENCE_MS = 5_000;
const SLOW_FACTOR = 6;

export type FirstSyncOptions = {
  readonly timers: Timers;
  readonly kinds: readonly WatchedKindState[];
  /** Kinds whose lack of enforcement people accept. */
  readonly acceptedKinds: ReadonlySet<string>;
  readonly patienceMs?: number | undefined;
  /** Something is known from before: without the cluster, that is served. */
  readonly hadObjects: boolean;
  /** Known from before, of kinds or of a source that is not watched now. */
  readonly strangers: Iterable<ResourceKey>;
  readonly emit: (event: SourceEvent) => void;
  /** Time has passed: to be reviewed. */
  readonly onPatienceEnds: () => void;
};

/** The first full look at a cluster. */
export class FirstSync {
  readonly #options: FirstSyncOptions;
  readonly #strangers: Set<ResourceKey>;
  #patience: 'long' | 'short' | 'none' = 'long';
  #synced = false;
  #cancels: readonly (() => void)[] = [];

  constructor(options: FirstSyncOptions) {
    this.#options = options;
    this.#strangers = new Set(options.strangers);
  }

  /** Patience begins. */
  start(): void {
    const { timers, patienceMs = PATIENCE_MS, onPatienceEnds } = this.#options;
    const then = (patience: 'short' | 'none') => () => {
      this.#patience = patience;
      onPatienceEnds();
    };
    this.#cancels = [timers.after(patienceMs, then('short')), timers.after(SLOW_FACTOR * patienceMs, then('none'))];
  }

  close(): void {
    for (const cancel of this.#cancels) cancel();
  }

  /** Everything was told, or has been waited for long enough. */
  get synced(): boolean {
    return this.#synced;
  }

  /** It was told: no stranger any more. */
  noted(key: ResourceKey): void {
    this.#strangers.delete(key);
  }

  /** Looks whether it is time; `discovery` is how asking for the kinds fares. */
  review(discovery: { readonly isKnown: boolean; readonly isFailing: boolean }): void {
    const { kinds, emit } = this.#options;
    const isTold = discovery.isKnown && kinds.every((state) => this.#isSettled(state));
    if (isTold) this.#dropStrangers();
    if (this.#synced) return;
    const isAnyListed = kinds.some(({ scopes }) => scopes.values().some(({ isListed }) => isListed));
    if (!(isTold && isAnyListed) && !this.#isLate(discovery.isFailing)) return;
    this.#synced = true;
    emit({ type: 'synced' });
  }

  /** Nobody waits for a kind that may fail: what it guards is served all the same. */
  #isSettled(state: WatchedKindState): boolean {
    const { presence, failures, kind } = state;
    const isFailing = presence === 'unknown' || failures.length > 0;
    return state.isAnswered || state.isRefused || (isFailing && this.#options.acceptedKinds.has(kind.kind));
  }

  #isLate(isDiscoveryFailing: boolean): boolean {
    const { kinds, hadObjects } = this.#options;
    if (!hadObjects || this.#patience === 'long') return false;
    return this.#patience === 'none' || isDiscoveryFailing || kinds.some(({ failures }) => failures.length > 0);
  }

  #dropStrangers(): void {
    for (const key of this.#strangers) this.#options.emit({ type: 'remove', key });
    this.#strangers.clear();
  }
}
