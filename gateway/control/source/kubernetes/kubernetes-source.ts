// Promises: the objects of a cluster as events, a moment after each change; what cannot be read is kept and told, kinds come and go with their CRDs.
// Never: gives an object up because of an outage, holds a Secret that no Gateway names, asks for more than the kinds it watches.
// Called by: roles/control.ts, which hands its events to the controller.
import { isDeepStrictEqual } from 'node:util';
import type { Problem } from '../../../snapshot/problem.ts';
import { realTimers, type Timers } from '../../../support/timers.ts';
import type { ApiClient } from '../../kubernetes/api-client.ts';
import type { Discovery, WantedKind } from '../../kubernetes/discovery.ts';
import type { ServedResource } from '../../kubernetes/resource-path.ts';
import { isPolicyKind, type Labels, type ResourceKey } from '../../resource/resource.ts';
import type {
  KnownObject,
  ObjectSource,
  ObjectVersion,
  PolicyReads,
  SourceEvent,
  SourceStatus,
  UnreadPolicies,
} from '../source.ts';
import { ClusterIdentity, kubeSystemUid, OTHER_CLUSTER } from './cluster-identity.ts';
import { describeTroubles } from './cluster-troubles.ts';
import { DiscoveryLoop } from './discovery-loop.ts';
import { FirstSync } from './first-sync.ts';
import { sortKnown } from './known-before.ts';
import { isOfKind, keyOfObject, slimmed, toVersion } from './object-version.ts';
import { PolicyKnowledge } from './policy-knowledge.ts';
import type { ReflectorTimings } from './reflector.ts';
import { kindStatus } from './source-status.ts';
import { isUsableSecret, WantedSecrets } from './wanted-secrets.ts';
import { WatchedKindState } from './watched-kind-state.ts';
import { OUTDATED_SECURITY, type WatchedKind } from './watched-kinds.ts';
import { type ScopeFailure, WatchedScope } from './watched-scope.ts';

/** CRDs that come and go are noticed after so long. */
const DISCOVERY_MS = 30_000;
/** An API server that has just started tells of its own kinds alone for a moment: so long it is asked again soon. */
const STARTING_MS = 30_000;
/** A trouble that is over sooner is nobody's business. */
const PATIENCE_MS = 3_000;

export type KubernetesSourceOptions = {
  readonly client: ApiClient;
  readonly discovery: Discovery;
  readonly kinds: readonly WatchedKind[];
  /** Empty: all namespaces. Those of objects that hold for this gateway wherever it routes are read in any case. */
  readonly namespaces: readonly string[];
  /** Whose Secrets are wanted; objects of the root namespace hold for it wherever it lives. */
  readonly gateway: { readonly namespace: string; readonly rootNamespace: string; readonly labels: Labels };
  /** Objects, or kinds, that need not be enforced. */
  readonly acceptUnenforced?: readonly string[];
  /** What was read of kinds that may guard hosts before a restart. */
  readonly policiesRead?: PolicyReads;
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
  readonly #first: FirstSync;
  readonly #policies: PolicyKnowledge;
  readonly #acceptedKinds: ReadonlySet<string>;
  #toldPolicies: UnreadPolicies = { unread: [] };
  readonly #closing = new AbortController();
  #problems: readonly Problem[] = [];
  #reviewing = false;
  #cancelReview: (() => void) | undefined;

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
    for (const { key, version } of known) if (isGateway(key)) this.#secrets.update(key, version?.resource);
    // Nothing was listed yet that would have to be looked at again.
    this.#secrets.takeChanged();
    const uid = known.map(({ version }) => kubeSystemUid(version?.raw)).find((one) => one !== undefined);
    this.#identity = new ClusterIdentity(options.client, uid, () => this.#timers.now());
    const { byKind, strangers } = sortKnown(known, options.kinds);
    this.#kinds = options.kinds.map(
      (kind) => new WatchedKindState(kind, byKind.get(kind) ?? [], (...scope) => this.#createScope(...scope)),
    );
    this.#acceptedKinds = new Set(options.acceptUnenforced?.filter((one) => !one.includes('/')));
    this.#policies = new PolicyKnowledge({
      kinds: this.#kinds,
      gateway: options.gateway,
      before: options.policiesRead ?? {},
      isLasting: (since) => this.#isLasting(since),
      now: () => this.#timers.now(),
    });
    this.#first = new FirstSync({
      timers: this.#timers,
      kinds: this.#kinds,
      acceptedKinds: this.#acceptedKinds,
      patienceMs: options.syncPatienceMs,
      hadObjects: known.length > 0,
      strangers,
      emit: options.emit,
      onPatienceEnds: () => this.#review(),
    });
  }

  /** Begins to watch; resolves when the cluster was asked for its kinds, or could not be. */
  async start(): Promise<void> {
    this.#first.start();
    await this.#discovery.start();
  }

  close(): void {
    this.#closing.abort();
    this.#cancelReview?.();
    this.#first.close();
    this.#discovery.close();
    for (const { scopes } of this.#kinds) for (const scope of scopes.values()) scope.stop();
  }

  get synced(): boolean {
    return this.#first.synced;
  }

  status(): SourceStatus {
    const errors = this.#problems.filter(({ severity }) => severity === 'error');
    const closing = this.#toldPolicies.unread.filter(({ policy }) => !this.#acceptedKinds.has(policy));
    const troubles = [...errors.map(({ message }) => message), ...closing.map(({ why }) => why)];
    const held = errors.filter(({ code }) => code === 'MG1013');
    const { contact, location } = this.#options.client;
    return {
      kind: 'kubernetes',
      location,
      synced: this.synced,
      ...(troubles.length > 0 && { trouble: troubles.join(' ') }),
      ...(held.length > 0 && { held: held.map(({ message }) => message).join(' ') }),
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

  /** After an outage nobody waits for the end of a long pause. */
  #refreshed(recovered: boolean): void {
    this.#watchAll();
    if (recovered) for (const { scopes } of this.#kinds) for (const scope of scopes.values()) scope.hurry();
    if (this.#kinds.some((state) => this.#mayComeBack(state))) this.#discovery.hurry();
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
    if (resource === undefined) return this.#miss(state);
    if (kind.named) state.watch(resource, this.#secretNamespaces(state));
    else state.watch(resource, kind.scope === 'cluster' || namespaces.length === 0 ? [undefined] : this.#named());
  }

  #mayComeBack({ kind, presence, missingSince }: WatchedKindState): boolean {
    if (missingSince === undefined || (presence !== 'served' && kind.presence !== 'needed')) return false;
    return this.#timers.now() - missingSince < STARTING_MS;
  }

  /** What could not be told goes on as it is, and so does what was there a moment ago. */
  #miss(state: WatchedKindState): void {
    const why = this.#options.discovery.whyMissing(asServed(state.kind));
    if (why === 'unknown') return;
    const now = this.#timers.now();
    if (now - state.miss(now) < PATIENCE_MS && state.presence === 'served') return;
    // Of other kinds that is no danger, and the remedy is the same.
    state.end(why === 'unreadable' && isPolicyKind(state.kind.kind) ? 'unreadable' : 'absent');
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
    return this.#secrets.namespaces(
      state.kind.kind,
      (key) => isTold && !isUsableSecret(own.objects().get(key)?.resource),
    );
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
    if (event.type === 'upsert') this.#first.noted(event.object.key);
    this.#options.emit(event);
    const key = keyOfEvent(event);
    // An unreadable version leaves the last good one in use, and its Secrets with it.
    const isUnreadable = event.type === 'upsert' && event.object.resource === undefined;
    if (isGateway(key) && !isUnreadable) {
      // Gateways that change together are looked at together.
      if (this.#secrets.update(key, event.type === 'upsert' ? event.object.resource : undefined)) this.#review();
    } else if (key?.startsWith('Secret/')) this.#review();
  }

  #watchSecrets(): void {
    const changed = this.#secrets.takeChanged();
    for (const state of this.#kinds.filter(({ kind }) => kind.named)) {
      const before = new Set(state.scopes.values());
      if (state.presence === 'served') this.#watchKind(state);
      for (const scope of state.scopes.values())
        if (before.has(scope) && changed.has(scope.namespace ?? '')) scope.relist();
    }
  }

  /** A failure is judged again when it has lasted. A kind that is gone, and an outage, show in the discovery. */
  #stateChanged(): void {
    const failures = this.#kinds.flatMap((state) => state.failures);
    if (failures.length > 0 || this.#discovery.failure !== undefined) this.#reviewLater();
    const isTelling = ({ error }: ScopeFailure): boolean =>
      error.status === 404 || (error.isOutage && error.reason !== OTHER_CLUSTER);
    if (failures.some(isTelling)) this.#discovery.hurry();
    this.#review();
  }

  #reviewLater(): void {
    // A timer may ring a moment early.
    this.#cancelReview ??= this.#timers.after(PATIENCE_MS + 100, () => {
      this.#cancelReview = undefined;
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
      this.#tellPolicies();
      this.#tellProblems();
      const { isKnown } = this.#options.discovery;
      this.#first.review({ isKnown, isFailing: this.#discovery.failure !== undefined });
    });
  }

  /** What a kind held is given up once the kind that stands in its place has told everything. */
  #dropReplaced(): void {
    for (const state of this.#kinds) {
      const { kind, presence, unwatched } = state;
      // Of namespaces that are not watched any more.
      if (presence === 'served' && !kind.named) this.#dropAll(unwatched);
      if (presence === 'unneeded' && this.#kinds.some((other) => other.kind === kind.insteadOf && other.isAnswered))
        this.#dropAll(unwatched);
      if (kind.named && presence === 'served' && state.isAnswered && this.#areGatewaysKnown()) this.#dropAll(unwatched);
    }
  }

  /** What the successor of a kind tells under the same key stays: it has taken it over. */
  #dropAll(objects: Map<ResourceKey, ObjectVersion | undefined>): void {
    for (const key of objects.keys())
      if (!this.#kinds.some((state) => state.tells(key))) this.#options.emit({ type: 'remove', key });
    objects.clear();
  }

  #areGatewaysKnown(): boolean {
    const gateways = this.#kinds.find(({ kind }) => kind.kind === 'Gateway' && kind.group === 'networking.istio.io');
    return gateways !== undefined && gateways.presence === 'served' && gateways.isAnswered;
  }

  /** Before it is told that everything was told. */
  #tellPolicies(): void {
    const policies = this.#policies.look();
    if (this.#policies.isWaiting) this.#reviewLater();
    if (isDeepStrictEqual(policies, this.#toldPolicies)) return;
    this.#toldPolicies = policies;
    this.#options.emit({ type: 'unread', ...policies });
  }

  #isLasting(since: number): boolean {
    return this.#timers.now() - since >= PATIENCE_MS;
  }

  #tellProblems(): void {
    const problems = describeTroubles({
      location: this.#options.client.location,
      kinds: this.#kinds,
      discovery: this.#discovery.failure,
      accessFault: this.#options.client.accessFault,
      isKnown: this.#options.discovery.isKnown,
      outdated: OUTDATED_SECURITY.filter((group) => this.#options.discovery.serves(group)),
      unread: new Set(this.#toldPolicies.unread.map(({ policy }) => policy)),
      // That a kind is gone, discovery tells better.
      isLasting: ({ since, error }) => this.#isLasting(error.status === 404 ? since + PATIENCE_MS : since),
    });
    if (isDeepStrictEqual(problems, this.#problems)) return;
    this.#problems = problems;
    this.#options.emit({ type: 'problems', problems: problems.map((problem) => ({ problem, holds: [] })) });
  }
}

function keyOfEvent(event: SourceEvent): ResourceKey | undefined {
  if (event.type === 'upsert') return event.object.key;
  return event.type === 'remove' ? event.key : undefined;
}

function asServed({ group, kind, written = kind, versions }: WatchedKind): WantedKind {
  return { group, kind: written, versions };
}

function isGateway(key: ResourceKey | undefined): key is ResourceKey {
  return key?.startsWith('Gateway/') === true;
}
