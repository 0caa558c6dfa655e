// Promises: the objects of a cluster as events, a moment after each change; what cannot be read is kept and told, kinds come and go with their CRDs.
// Never: gives an object up because of an outage, holds a Secret that no Gateway names, asks for more than the kinds it watches.
// Called by: roles/control.ts, which hands its events to the controller.
import { isDeepStrictEqual } from 'node:util';
import type { Problem } from '../../../snapshot/problem.ts';
import { realTimers, type Timers } from '../../../support/timers.ts';
import type { ApiClient } from '../../kubernetes/api-client.ts';
import type { Discovery, WantedKind } from '../../kubernetes/discovery.ts';
import type { ServedResource } from '../../kubernetes/resource-path.ts';
import type { Labels, ResourceKey } from '../../resource/resource.ts';
import {
  CLUSTER_FILE,
  type KnownObject,
  type ObjectSource,
  type ObjectVersion,
  type SourceEvent,
  type SourceStatus,
} from '../source.ts';
import { ClusterIdentity, kubeSystemUid } from './cluster-identity.ts';
import { describeTroubles } from './cluster-troubles.ts';
import { DiscoveryLoop } from './discovery-loop.ts';
import { isOfKind, keyOfObject, slimmed, toVersion } from './object-version.ts';
import type { ReflectorTimings } from './reflector.ts';
import { kindStatus } from './source-status.ts';
import { isUsableSecret, WantedSecrets } from './wanted-secrets.ts';
import { WatchedKindState } from './watched-kind-state.ts';
import type { WatchedKind } from './watched-kinds.ts';
import { WatchedScope } from './watched-scope.ts';

/** CRDs that come and go are noticed after so long. */
const DISCOVERY_MS = 30_000;
/** A trouble that is over sooner is nobody's business. */
const PATIENCE_MS = 3_000;
/** After a start, what cannot be read is taken from what was accepted before: soon if something fails, later if it is slow. */
const SYNC_PATIENCE_MS = 5_000;
const SLOW_SYNC_FACTOR = 6;

export type KubernetesSourceOptions = {
  readonly client: ApiClient;
  readonly discovery: Discovery;
  readonly kinds: readonly WatchedKind[];
  /** Empty: all namespaces. Those of objects that hold for this gateway wherever it routes are read in any case. */
  readonly namespaces: readonly string[];
  /** Whose Secrets are wanted; objects of the root namespace hold for it wherever it lives. */
  readonly gateway: { readonly namespace: string; readonly rootNamespace: string; readonly labels: Labels };
  /** What was accepted before a restart; kept until the first lists have judged it. */
  readonly known: Iterable<KnownObject>;
  readonly emit: (event: SourceEvent) => void;
  readonly onDefect: (error: unknown) => void;
  readonly timers?: Timers;
  readonly timings?: Partial<ReflectorTimings>;
  readonly discoveryMs?: number;
  readonly syncPatienceMs?: number;
};

/** A cluster as a source of objects. */
export class KubernetesSource implements ObjectSource {
  readonly #options: KubernetesSourceOptions;
  readonly #timers: Timers;
  readonly #identity: ClusterIdentity;
  readonly #kinds: readonly WatchedKindState[];
  readonly #secrets: WantedSecrets;
  readonly #discovery: DiscoveryLoop;
  /** Known from before, of kinds or of a source that is not watched now. */
  readonly #strangers = new Set<ResourceKey>();
  readonly #hadObjects: boolean;
  readonly #closing = new AbortController();
  #secretsChanged = new Set<string>();
  #synced = false;
  #patience: 'long' | 'short' | 'none' = 'long';
  #problems: readonly Problem[] = [];
  #reviewing = false;
  #isReviewPlanned = false;
  readonly #waiting = new Set<() => void>();

  constructor(options: KubernetesSourceOptions) {
    this.#options = options;
    this.#timers = options.timers ?? realTimers;
    this.#secrets = new WantedSecrets(options.gateway);
    this.#discovery = new DiscoveryLoop({
      discovery: options.discovery,
      timers: this.#timers,
      everyMs: options.discoveryMs ?? DISCOVERY_MS,
      onRefreshed: ({ recovered }) => this.#refreshed(recovered),
      onFailed: () => this.#stateChanged(),
      onDefect: options.onDefect,
    });
    const known = [...options.known];
    this.#hadObjects = known.length > 0;
    const uid = known.map(({ version }) => kubeSystemUid(version?.raw)).find((one) => one !== undefined);
    this.#identity = new ClusterIdentity(options.client, uid, () => this.#timers.now());
    const byKind = this.#adopt(known);
    this.#kinds = options.kinds.map((kind) => {
      const known = byKind.get(kind.kind) ?? new Map();
      byKind.delete(kind.kind);
      return new WatchedKindState(kind, known, (...scope) => this.#createScope(...scope));
    });
  }

  /** Begins to watch; resolves when the cluster was asked for its kinds, or could not be. */
  async start(): Promise<void> {
    const patienceMs = this.#options.syncPatienceMs ?? SYNC_PATIENCE_MS;
    for (const patience of ['short', 'none'] as const)
      this.#after(patience === 'short' ? patienceMs : SLOW_SYNC_FACTOR * patienceMs, () => {
        this.#patience = patience;
        this.#review();
      });
    await this.#discovery.start();
  }

  close(): void {
    this.#closing.abort();
    for (const cancel of this.#waiting) cancel();
    this.#discovery.close();
    for (const { scopes } of this.#kinds) for (const scope of scopes.values()) scope.stop();
  }

  get synced(): boolean {
    return this.#synced;
  }

  status(): SourceStatus {
    const errors = this.#problems.filter(({ severity }) => severity === 'error');
    const held = errors.filter(({ code }) => code === 'MG1013');
    const { contact, location } = this.#options.client;
    return {
      kind: 'kubernetes',
      location,
      synced: this.#synced,
      ...(errors.length > 0 && { trouble: sentences(errors) }),
      ...(held.length > 0 && { held: sentences(held) }),
      ...(contact.server !== undefined && { server: contact.server }),
      ...(contact.lastAnswerAt !== undefined && { lastAnswerAt: contact.lastAnswerAt }),
      kinds: this.#kinds.map((state) => kindStatus(state)),
    };
  }

  /** An object that the API server answered with, as it would be told; undefined for a kind that is not watched. */
  read(object: unknown): ObjectVersion | undefined {
    const state = this.#kinds.find(({ kind, presence }) => presence === 'served' && isOfKind(object, kind));
    const resource = state && this.#options.discovery.find(asServed(state.kind));
    const key = resource && keyOfObject(object, state.kind, resource);
    if (state === undefined || resource === undefined || key === undefined) return undefined;
    return toVersion(key, slimmed(object, resource, state.kind.slim), resource);
  }

  /** Objects by kind; those of another source (a folder, before) are nobody's. */
  #adopt(known: readonly KnownObject[]): Map<string, Map<ResourceKey, ObjectVersion | undefined>> {
    const byKind = new Map<string, Map<ResourceKey, ObjectVersion | undefined>>();
    const watched = new Set(this.#options.kinds.map(({ kind }) => kind));
    for (const { key, file, version } of known) {
      const [kind = ''] = key.split('/');
      const objects = byKind.get(kind) ?? new Map<ResourceKey, ObjectVersion | undefined>();
      byKind.set(kind, objects);
      if (file.startsWith(CLUSTER_FILE) && watched.has(kind)) objects.set(key, undefined);
      else this.#strangers.add(key);
      if (kind === 'Gateway') this.#secrets.update(key, version?.resource);
    }
    return byKind;
  }

  /** After an outage nobody waits for the end of a long pause. */
  #refreshed(recovered: boolean): void {
    this.#watchAll();
    if (recovered) for (const { scopes } of this.#kinds) for (const scope of scopes.values()) scope.hurry();
    this.#review();
  }

  #watchAll(): void {
    for (const state of this.#kinds) this.#watchKind(state);
  }

  #watchKind(state: WatchedKindState): void {
    const { discovery, namespaces } = this.#options;
    const { kind } = state;
    const resource = discovery.find(asServed(kind));
    if (kind.insteadOf !== undefined && discovery.find(asServed(kind.insteadOf)) !== undefined)
      return state.end('unneeded');
    if (resource === undefined) return state.end('absent');
    if (kind.named) state.watch(resource, this.#secretNamespaces(state));
    else state.watch(resource, kind.scope === 'cluster' || namespaces.length === 0 ? [undefined] : this.#named());
  }

  /** A policy of the gateway's own namespace or of the root one that is not read would not close what it guards. */
  #named(): ReadonlySet<string> {
    const { namespaces, gateway } = this.#options;
    return new Set([...namespaces, gateway.namespace, gateway.rootNamespace]);
  }

  /** Beside its Gateway a Secret is looked for only if the gateway's own namespace has none that can be used. */
  #secretNamespaces(state: WatchedKindState): Set<string> {
    const own = state.scopes.get(this.#options.gateway.namespace);
    const isTold = own !== undefined && (own.isListed || own.failure?.error.status === 403);
    return this.#secrets.namespaces((key) => isTold && !isUsableSecret(own.objects().get(key)?.resource));
  }

  #createScope(
    kind: WatchedKind,
    resource: ServedResource,
    namespace: string | undefined,
    known: Map<ResourceKey, ObjectVersion | undefined>,
  ): WatchedScope {
    const { client, onDefect, timings } = this.#options;
    return new WatchedScope({
      client,
      kind,
      resource,
      namespace,
      known,
      identity: this.#identity,
      timers: this.#timers,
      onDefect,
      emit: (event) => this.#emit(event),
      onState: () => this.#stateChanged(),
      ...(kind.named && { wants: (key) => this.#secrets.has(key) }),
      ...(timings && { timings }),
    });
  }

  #emit(event: SourceEvent): void {
    if (event.type === 'upsert') this.#strangers.delete(event.object.key);
    this.#options.emit(event);
    if (event.type === 'upsert' && event.object.key.startsWith('Gateway/')) {
      // An unreadable version leaves the last good one in use, and its Secrets with it.
      if (event.object.resource !== undefined) this.#wantSecrets(event.object.key, event.object);
    } else if (event.type === 'remove' && event.key.startsWith('Gateway/')) this.#wantSecrets(event.key, undefined);
    else if (keyOfEvent(event)?.startsWith('Secret/')) this.#review();
  }

  /** Gateways that change together are looked at together. */
  #wantSecrets(key: ResourceKey, version: ObjectVersion | undefined): void {
    for (const namespace of this.#secrets.update(key, version?.resource)) this.#secretsChanged.add(namespace);
    if (this.#secretsChanged.size > 0) this.#review();
  }

  #watchSecrets(): void {
    const changed = this.#secretsChanged;
    this.#secretsChanged = new Set();
    for (const state of this.#kinds.filter(({ kind }) => kind.named)) {
      const before = new Set(state.scopes.values());
      if (state.presence === 'served') this.#watchKind(state);
      for (const scope of state.scopes.values())
        if (before.has(scope) && changed.has(scope.namespace ?? '')) scope.relist();
    }
  }

  /** A failure is judged again when it has lasted. A kind that is gone, and an outage, show in the discovery. */
  #stateChanged(): void {
    const failures = this.#kinds.flatMap(({ scopes }) => [...scopes.values()].flatMap(({ failure }) => failure ?? []));
    if (failures.length > 0 || this.#discovery.failure !== undefined) this.#reviewLater();
    if (failures.some(({ error }) => error.status === 404 || error.isOutage)) this.#discovery.hurry();
    this.#review();
  }

  #reviewLater(): void {
    if (this.#isReviewPlanned) return;
    this.#isReviewPlanned = true;
    // A timer may ring a moment early.
    this.#after(PATIENCE_MS + 100, () => {
      this.#isReviewPlanned = false;
      this.#review();
    });
  }

  /** States change together: they are looked at once a turn. */
  #review(): void {
    if (this.#reviewing || this.#closing.signal.aborted) return;
    this.#reviewing = true;
    setImmediate(() => {
      this.#reviewing = false;
      if (this.#closing.signal.aborted) return;
      this.#watchSecrets();
      this.#dropReplaced();
      this.#tellProblems();
      this.#trySync();
    });
  }

  /** What a kind held is given up once the kind that stands in its place has told everything. */
  #dropReplaced(): void {
    for (const state of this.#kinds) {
      const { kind, presence, unwatched } = state;
      const isAnsweredAll = isAnswered(state);
      // Of namespaces that are not watched any more.
      if (presence === 'served' && !kind.named) this.#dropAll(unwatched);
      if (presence === 'unneeded' && this.#kinds.some((other) => other.kind === kind.insteadOf && isAnswered(other)))
        this.#dropAll(unwatched);
      if (kind.named && presence === 'served' && isAnsweredAll && this.#areGatewaysKnown()) this.#dropAll(unwatched);
    }
  }

  #dropAll(objects: Map<ResourceKey, ObjectVersion | undefined>): void {
    for (const key of objects.keys()) this.#options.emit({ type: 'remove', key });
    objects.clear();
  }

  #areGatewaysKnown(): boolean {
    const gateways = this.#kinds.find(({ kind }) => kind.kind === 'Gateway' && kind.group === 'networking.istio.io');
    return gateways !== undefined && gateways.presence === 'served' && isAnswered(gateways);
  }

  #trySync(): void {
    const isTold =
      this.#options.discovery.isKnown && this.#kinds.every((state) => isAnswered(state) || isRefused(state));
    if (isTold) this.#dropStrangers();
    if (this.#synced) return;
    const isAnyListed = this.#kinds.some(({ scopes }) => scopes.values().some(({ isListed }) => isListed));
    const isLate = this.#hadObjects && (this.#patience === 'none' || (this.#patience === 'short' && this.#isFailing()));
    if (!(isTold && isAnyListed) && !isLate) return;
    this.#synced = true;
    this.#options.emit({ type: 'synced' });
  }

  #isFailing(): boolean {
    return (
      this.#discovery.failure !== undefined ||
      this.#kinds.some(({ scopes }) => scopes.values().some(({ failure }) => failure !== undefined))
    );
  }

  #dropStrangers(): void {
    for (const key of this.#strangers) this.#options.emit({ type: 'remove', key });
    this.#strangers.clear();
  }

  #tellProblems(): void {
    const now = this.#timers.now();
    const problems = describeTroubles({
      location: this.#options.client.location,
      kinds: this.#kinds,
      discovery: this.#discovery.failure,
      accessFault: this.#options.client.accessFault,
      isKnown: this.#options.discovery.isKnown,
      isLasting: ({ since }) => now - since >= PATIENCE_MS,
    });
    if (isDeepStrictEqual(problems, this.#problems)) return;
    this.#problems = problems;
    this.#options.emit({ type: 'problems', problems: problems.map((problem) => ({ problem, holds: [] })) });
  }

  #after(ms: number, action: () => void): void {
    const cancel = this.#timers.after(ms, () => {
      this.#waiting.delete(cancel);
      action();
    });
    this.#waiting.add(cancel);
  }
}

function keyOfEvent(event: SourceEvent): ResourceKey | undefined {
  if (event.type === 'upsert') return event.object.key;
  return event.type === 'remove' ? event.key : undefined;
}

function sentences(problems: readonly Problem[]): string {
  return problems.map(({ message }) => message).join(' ');
}

function asServed({ group, kind, written = kind, versions }: WatchedKind): WantedKind {
  return { group, kind: written, versions };
}

function isAnswered({ presence, scopes }: WatchedKindState): boolean {
  if (presence === 'absent' || presence === 'unneeded') return true;
  return presence === 'served' && scopes.values().every(({ isListed }) => isListed);
}

function isRefused({ scopes }: WatchedKindState): boolean {
  return scopes.size > 0 && scopes.values().every(({ isListed, failure }) => isListed || failure?.error.status === 403);
}
