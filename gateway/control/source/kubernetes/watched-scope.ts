// Promises: the objects of one kind (in one namespace, or in all) as events that tell real differences only; a sudden emptiness is held.
// Never: tells a change that only the resourceVersion shows, removes anything because of a failure.
// Called by: kubernetes-source.ts, one for each kind and namespace.
import type { Timers } from '../../../support/timers.ts';
import type { ApiClient } from '../../kubernetes/api-client.ts';
import { type ApiError, isSameTrouble } from '../../kubernetes/api-error.ts';
import { resourcePath, type ServedResource } from '../../kubernetes/resource-path.ts';
import type { ResourceKey } from '../../resource/resource.ts';
import type { ObjectVersion, SourceEvent } from '../source.ts';
import type { ClusterIdentity } from './cluster-identity.ts';
import { isHeld } from './missing-objects.ts';
import { isAnother, keyOfObject, slimmed, toVersion } from './object-version.ts';
import { Reflector, type ReflectorSink, type ReflectorTimings } from './reflector.ts';
import type { WatchedKind } from './watched-kinds.ts';

/** After something came back to a held kind, the rest has so long to follow before the list is believed. */
const RETURN_MS = 5_000;
/** While objects are held, the list is asked for again this often: it may be well again without any change. */
const HELD_MS = 15_000;

export type ScopeOptions = {
  readonly client: Pick<ApiClient, 'request' | 'stream' | 'epoch'>;
  readonly kind: WatchedKind;
  readonly resource: ServedResource;
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  /** Objects that are kept; absent: all. */
  readonly wants?: (key: ResourceKey) => boolean;
  /** What is known from before: told already, and removed if the first list lacks it. */
  readonly known: ReadonlyMap<ResourceKey, ObjectVersion | undefined>;
  readonly identity: Pick<ClusterIdentity, 'check' | 'verdict'>;
  readonly emit: (event: SourceEvent) => void;
  /** State or problems may be others now. */
  readonly onState: () => void;
  readonly onDefect: (error: unknown) => void;
  readonly timers: Timers;
  readonly timings?: Partial<ReflectorTimings>;
  readonly random?: () => number;
};

/** What has kept a scope from the truth, and since when (of the monotonic clock). */
export type ScopeFailure = { readonly error: ApiError; readonly since: number };

/** Watches one kind in one place. */
export class WatchedScope implements ReflectorSink {
  readonly kind: WatchedKind;
  readonly resource: ServedResource;
  readonly namespace: string | undefined;
  readonly #options: ScopeOptions;
  readonly #reflector: Reflector;
  /** Undefined: known by name from before a restart. */
  readonly #objects: Map<ResourceKey, ObjectVersion | undefined>;
  /** Of the running list: known, and not named yet. */
  #missing: Set<ResourceKey> | undefined;
  #isEmpty = true;
  #isListed = false;
  #isToldListed = false;
  #held = false;
  #cancelReturn: (() => void) | undefined;
  #failure: ScopeFailure | undefined;
  #lastSyncAt: number | undefined;

  constructor(options: ScopeOptions) {
    const { kind, resource, namespace, client, identity, onDefect, timers, timings, random } = options;
    this.kind = kind;
    this.resource = resource;
    this.namespace = namespace;
    this.#options = options;
    this.#objects = new Map(options.known);
    const path = resourcePath(resource, { namespace });
    this.#reflector = new Reflector({
      client,
      path,
      sink: this,
      check: (since) => identity.check(since),
      onDefect,
      timers,
      ...(timings && { timings }),
      ...(random && { random }),
    });
  }

  start(): void {
    void this.#reflector.run();
  }

  stop(): void {
    this.#cancelReturn?.();
    this.#reflector.stop();
  }

  /** Other objects are wanted now: all are looked at again. */
  relist(): void {
    this.#reflector.relist();
  }

  /** The cluster is back, or takes our token again: a pause after a failure ends soon, unless the server asked for it. */
  hurry(): void {
    if (this.#failure !== undefined && this.#failure.error.retryAfterMs === undefined) this.#reflector.hurry();
  }

  /** Everything was told at least once. */
  get isListed(): boolean {
    return this.#isListed;
  }

  /** Whether objects that the last list lacked are not given up. */
  get held(): boolean {
    return this.#held;
  }

  /** Undefined while all is well. */
  get failure(): ScopeFailure | undefined {
    return this.#failure;
  }

  /** When what was told was last known to be the truth; milliseconds since the epoch. */
  get lastSyncAt(): number | undefined {
    return this.#lastSyncAt;
  }

  get counts(): Reflector['counts'] {
    return this.#reflector.counts;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** What it holds, for a successor or for those who read all objects of a kind. */
  objects(): ReadonlyMap<ResourceKey, ObjectVersion | undefined> {
    return this.#objects;
  }

  listBegins(): void {
    this.#missing = new Set(this.#objects.keys());
    this.#isEmpty = true;
  }

  listed(objects: readonly unknown[]): void {
    if (objects.length > 0) this.#isEmpty = false;
    for (const object of objects) this.changed(object);
  }

  listEnds(): void {
    const missing = this.#missing ?? new Set();
    this.#missing = undefined;
    const cluster = this.#options.identity.verdict;
    this.#hold(isHeld({ missing: missing.size, isEmpty: this.#isEmpty, cluster }));
    if (this.#held) this.#relistAfter(HELD_MS);
    else for (const key of missing) this.#remove(key);
    this.#isListed = true;
  }

  changed(object: unknown): void {
    const key = this.#keyOf(object);
    if (key === undefined) return;
    this.#missing?.delete(key);
    if (this.#held) this.#relistAfter(RETURN_MS);
    if (this.#options.wants?.(key) === false) return this.#remove(key);
    const slim = slimmed(object, this.resource, this.kind.slim);
    const known = this.#objects.get(key);
    if (known?.fingerprint === slim.fingerprint) return;
    // Deleted and made anew while nobody looked: nothing of the old one may live on in the new one.
    if (known !== undefined && isAnother(known.raw, slim.raw)) this.#remove(key);
    const version = toVersion(key, slim, this.resource);
    this.#objects.set(key, version);
    this.#options.emit({ type: 'upsert', object: version });
  }

  deleted(object: unknown): void {
    const key = this.#keyOf(object);
    if (key !== undefined) this.#remove(key);
    if (this.#objects.size === 0) this.#hold(false);
  }

  inSync(): void {
    // What is held is served, and is not the truth.
    if (!this.#held) this.#lastSyncAt = Date.now();
    if (this.#failure === undefined && this.#isToldListed === this.#isListed) return;
    this.#failure = undefined;
    this.#isToldListed = this.#isListed;
    this.#options.onState();
  }

  failed(error: ApiError): void {
    const before = this.#failure;
    const isOngoing = before !== undefined && isSameTrouble(before.error, error);
    this.#failure = { error, since: isOngoing ? before.since : this.#options.timers.now() };
    this.#options.onState();
  }

  /** Undefined also for an object of a place that was not asked for. */
  #keyOf(object: unknown): ResourceKey | undefined {
    const key = keyOfObject(object, this.kind, this.resource);
    return this.namespace === undefined || key?.split('/')[1] === this.namespace ? key : undefined;
  }

  #remove(key: ResourceKey): void {
    if (this.#objects.delete(key)) this.#options.emit({ type: 'remove', key });
  }

  #hold(held: boolean): void {
    if (!held) this.#cancelReturn?.();
    if (held === this.#held) return;
    this.#held = held;
    this.#options.onState();
  }

  /** What came back is not alone: a list a little later decides. */
  #relistAfter(ms: number): void {
    this.#cancelReturn?.();
    this.#cancelReturn = this.#options.timers.after(ms, () => this.relist());
  }
}
