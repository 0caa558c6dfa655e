/**
 * The compiled form of a snapshot: what a request looks up. A new version is prepared beside the old one, from the
 * delta alone, and put in place by one assignment; what lives longer than a version (pools, weights) is carried over.
 * Called by the proxy at `prepare` and `commit`; read by every request.
 */
import type { Listener } from '../snapshot/listener.ts';
import type { Route, VirtualHost } from '../snapshot/route.ts';
import type { WorkerDelta } from '../snapshot/snapshot.ts';
import type { Steps } from '../support/slices.ts';
import { WeightedChoice } from './balance/weighted.ts';
import { type ClusterParts, ClusterRuntime, type StagedCluster } from './cluster-runtime.ts';
import { CompileError } from './compile-error.ts';
import { ForwardTarget } from './forward-target.ts';
import { accessDenied, type Reply, replies } from './reply/replies.ts';
import { HostTable } from './route/host-table.ts';
import { type CompiledVirtualHost, compileVirtualHost } from './route/virtual-host.ts';

/** A virtual host ready to match; `attached` is set for routes that forward. */
export type CompiledHost = Omit<CompiledVirtualHost<ForwardTarget | undefined>, 'sole'> & {
  readonly targets: ReadonlyMap<string, ForwardTarget>;
  /** The answer when no route matches: 404, or 403 where the host is closed (it has no routes then). */
  readonly unmatched: Reply;
  /** Of `source`, a step nearer. */
  readonly httpsRedirect: VirtualHost['httpsRedirect'];
  /** Where every request to the host goes, when it has one rule without conditions, which forwards. */
  readonly sole: ForwardTarget | undefined;
};

export type CompiledListener = {
  readonly source: Listener;
  readonly hosts: HostTable<CompiledHost>;
  readonly hostCount: number;
};

/** One version. Immutable; a request that began with it ends with it. */
export type RoutingTable = {
  readonly version: number;
  readonly listeners: ReadonlyMap<string, CompiledListener>;
};

export const EMPTY_TABLE: RoutingTable = { version: 0, listeners: new Map() };

/** A version that compiled and waits for `commit`. */
export type Prepared = {
  readonly delta: WorkerDelta;
  readonly table: RoutingTable;
  readonly hosts: ReadonlyMap<string, CompiledHost>;
  readonly removedHosts: readonly string[];
  readonly clusters: ReadonlyMap<ClusterRuntime, StagedCluster>;
};

/** The working copy of the current version by unit, owned by the proxy. */
export class TableCompiler {
  readonly #hosts = new Map<string, CompiledHost>();
  readonly #clusters = new Map<string, ClusterRuntime>();
  /** Clusters that perhaps nobody needs any more. */
  readonly #idle = new Set<ClusterRuntime>();
  readonly #parts: ClusterParts;
  readonly #random: () => number;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.#random = parts.random;
  }

  /**
   * Compiles `delta` on top of `current`, unit by unit. Changes nothing that requests see; another version must not be
   * prepared or committed meanwhile. Throws {@link CompileError}.
   */
  *prepare(current: RoutingTable, delta: WorkerDelta): Steps<Prepared> {
    if (delta.from !== 0 && delta.from !== current.version) {
      throw new CompileError('snapshot', `the delta is from version ${delta.from}, but ${current.version} is served`);
    }
    const isFull = delta.from === 0;
    const removedHosts = isFull
      ? [...this.#hosts.keys()].filter((key) => !(key in delta.set.virtualHosts))
      : delta.remove.virtualHosts.filter((key) => this.#hosts.has(key) && !(key in delta.set.virtualHosts));
    const hosts = yield* this.#compileHosts(delta);
    const clusters = yield* this.#stageClusters(delta);
    const listeners = new Map(isFull ? [] : current.listeners);
    for (const key of delta.remove.listeners) listeners.delete(key);
    const sources = new Map([...listeners].map(([key, listener]) => [key, listener.source]));
    for (const [key, listener] of Object.entries(delta.set.listeners)) sources.set(key, listener);
    const changes = this.#changesByListener(hosts, removedHosts);
    for (const [key, source] of sources) {
      const previous = current.listeners.get(key);
      const change = previous === undefined ? this.#hostsOf(key, hosts, removedHosts) : changes.get(key);
      if (change === undefined && previous?.source === source && listeners.has(key)) continue;
      listeners.set(key, compileListener(source, previous, change));
    }
    return { delta, table: { version: delta.to, listeners }, hosts, removedHosts, clusters };
  }

  /** Takes the units of a prepared version over. `update` is called for each cluster that was set or removed. */
  commit(prepared: Prepared, update: (runtime: ClusterRuntime, staged: StagedCluster | undefined) => void): void {
    const { delta } = prepared;
    for (const [runtime, staged] of prepared.clusters) update(runtime, staged);
    const removed = delta.from === 0 ? [...this.#clusters.keys()] : delta.remove.clusters;
    for (const key of removed) {
      const runtime = this.#clusters.get(key);
      if (runtime === undefined || key in delta.set.clusters) continue;
      update(runtime, undefined);
      this.#idle.add(runtime);
    }
    for (const key of prepared.removedHosts) this.#forget(key);
    for (const [key, host] of prepared.hosts) {
      const before = this.#hosts.get(key);
      this.#hosts.set(key, host);
      this.#count(host, 1);
      if (before !== undefined) this.#count(before, -1);
    }
    for (const runtime of this.#idle)
      if (!runtime.exists && runtime.references === 0) this.#clusters.delete(runtime.key);
    this.#idle.clear();
  }

  /** Endpoints, requests in flight and so on, by cluster, for the statistics. */
  clusters(): Iterable<ClusterRuntime> {
    return this.#clusters.values();
  }

  *#compileHosts(delta: WorkerDelta): Steps<Map<string, CompiledHost>> {
    // One choice per route, also where several hosts of a VirtualService share it.
    const choices = new Map<string, WeightedChoice>();
    const hosts = new Map<string, CompiledHost>();
    for (const [key, source] of Object.entries(delta.set.virtualHosts)) {
      hosts.set(key, this.#compileHost(source, choices));
      yield;
    }
    return hosts;
  }

  *#stageClusters(delta: WorkerDelta): Steps<Map<ClusterRuntime, StagedCluster>> {
    const clusters = new Map<ClusterRuntime, StagedCluster>();
    for (const [key, cluster] of Object.entries(delta.set.clusters)) {
      const runtime = this.#cluster(key);
      clusters.set(runtime, runtime.stage(cluster));
      yield;
    }
    return clusters;
  }

  /** All hosts of a listener that was not there before: those of this version and those that waited for it. */
  #hostsOf(listener: string, hosts: ReadonlyMap<string, CompiledHost>, removed: readonly string[]): ListenerChange {
    const all = new Map(this.#hosts);
    for (const key of removed) all.delete(key);
    for (const [key, host] of hosts) all.set(key, host);
    const set = [...all.values()]
      .filter((host) => host.source.listener === listener)
      .map((host): [string, CompiledHost] => [host.source.domain, host]);
    return { set, remove: [], added: set.length };
  }

  #compileHost(source: VirtualHost, choices: Map<string, WeightedChoice>): CompiledHost {
    const previous = this.#hosts.get(source.key)?.targets;
    const targets = new Map<string, ForwardTarget>();
    const reliedOn = headersLookedAt(source);
    const attach = (route: Route): ForwardTarget | undefined => {
      if (route.action.kind !== 'forward') return undefined;
      const weights = route.action.destinations.map((destination) => destination.weight);
      const known = choices.get(route.key) ?? previous?.get(route.key)?.choice;
      const choice = WeightedChoice.reuse(known, weights, this.#random);
      choices.set(route.key, choice);
      const clusters = route.action.destinations.map((destination) => this.#cluster(destination.cluster));
      const target = new ForwardTarget({ route, choice, clusters, timeoutMs: route.action.timeoutMs, reliedOn });
      targets.set(route.key, target);
      return target;
    };
    try {
      const unmatched = source.denied === undefined ? replies.routeNotFound : accessDenied(source.denied);
      const { sole, match } = compileVirtualHost(source, attach);
      return { source, httpsRedirect: source.httpsRedirect, unmatched, sole: sole?.attached, match, targets };
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new CompileError(`virtualHosts/${source.key}`, reason, { cause });
    }
  }

  #cluster(key: string): ClusterRuntime {
    let runtime = this.#clusters.get(key);
    if (runtime === undefined) {
      runtime = new ClusterRuntime(key, this.#parts);
      this.#clusters.set(key, runtime);
      // Until it is committed that somebody needs it.
      this.#idle.add(runtime);
    }
    return runtime;
  }

  #forget(hostKey: string): void {
    const host = this.#hosts.get(hostKey);
    if (host === undefined) return;
    this.#hosts.delete(hostKey);
    this.#count(host, -1);
  }

  #count(host: CompiledHost, by: 1 | -1): void {
    for (const target of host.targets.values())
      for (const cluster of target.clusters) {
        cluster.references += by;
        if (cluster.references === 0) this.#idle.add(cluster);
      }
  }

  #changesByListener(
    hosts: ReadonlyMap<string, CompiledHost>,
    removed: readonly string[],
  ): Map<string, ListenerChange> {
    const changes = new Map<string, ListenerChange>();
    const changeOf = (listener: string): ListenerChange => {
      const known = changes.get(listener) ?? { set: [], remove: [], added: 0 };
      changes.set(listener, known);
      return known;
    };
    for (const [key, host] of hosts) {
      const change = changeOf(host.source.listener);
      change.set.push([host.source.domain, host]);
      if (!this.#hosts.has(key)) change.added += 1;
    }
    for (const key of removed) {
      const source = this.#hosts.get(key)?.source;
      if (source === undefined) continue;
      const change = changeOf(source.listener);
      change.remove.push(source.domain);
      change.added -= 1;
    }
    return changes;
  }
}

function headersLookedAt(host: VirtualHost): ReadonlySet<string> {
  const matches = host.routes.flatMap((route) => route.matches);
  return new Set(matches.flatMap((match) => [...match.headers, ...match.withoutHeaders].map(({ name }) => name)));
}

type ListenerChange = { readonly set: [string, CompiledHost][]; readonly remove: string[]; added: number };

function compileListener(
  source: Listener,
  previous: CompiledListener | undefined,
  change: ListenerChange | undefined,
): CompiledListener {
  if (previous === undefined) {
    const set = change?.set ?? [];
    return { source, hosts: HostTable.from(set), hostCount: set.length };
  }
  if (change === undefined) return { ...previous, source };
  return {
    source,
    hosts: previous.hosts.with(change.set, change.remove),
    hostCount: previous.hostCount + change.added,
  };
}
