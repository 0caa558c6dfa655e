import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { AccessFile } from '#gateway/control/kubernetes/access-file.ts';
import { ApiClient } from '#gateway/control/kubernetes/api-client.ts';
import { Discovery } from '#gateway/control/kubernetes/discovery.ts';
import type { ResourceKey } from '#gateway/control/resource/resource.ts';
import {
  KubernetesSource,
  type KubernetesSourceOptions,
} from '#gateway/control/source/kubernetes/kubernetes-source.ts';
import { watchedGroups, watchedKinds } from '#gateway/control/source/kubernetes/watched-kinds.ts';
import type { KnownObject, ObjectVersion, PolicyReads, SourceEvent } from '#gateway/control/source/source.ts';
import { ApiServer, type ApiServerOptions } from '#test/kit/api-server/api-server.ts';
import type { KubeObject } from '#test/kit/api-server/kube-object.ts';
import { eventually } from '#test/kit/eventually.ts';
import { fastTimers } from '#test/kit/fast-timers.ts';
import { TcpRelay } from '#test/kit/tcp-relay.ts';
import { temporaryFolder } from '#test/kit/temporary-folder.ts';

/** Time goes so much faster for a watcher: it waits some seconds before it tells of a trouble, or believes a list again. */
const HASTE = 10;

/** Fast enough for a test, and still with every mechanism at work. */
export const TIMINGS = { pageSize: 3, healthyMs: 500, backoff: { firstMs: 100, longestMs: 1_000 } };

/** A source with everything it told, folded together as the controller would. */
export class Watcher {
  readonly objects = new Map<ResourceKey, ObjectVersion>();
  readonly events: SourceEvent[] = [];
  readonly defects: unknown[] = [];
  readonly source: KubernetesSource;
  #problems: readonly string[] = [];

  constructor(client: ApiClient, options: Partial<KubernetesSourceOptions>) {
    const kinds = options.kinds ?? watchedKinds('pods');
    this.source = new KubernetesSource({
      client,
      kinds,
      discovery: new Discovery(client, watchedGroups(kinds)),
      namespaces: [],
      gateway: { namespace: 'istio-system', rootNamespace: 'istio-system', labels: { istio: 'ingressgateway' } },
      known: [],
      emit: (event) => this.#take(event),
      onDefect: (error) => this.defects.push(error),
      timings: TIMINGS,
      discoveryMs: 1_000,
      // A slow machine is no slow cluster.
      syncPatienceMs: 5_000 * HASTE,
      timers: fastTimers(HASTE),
      ...options,
    });
  }

  /** Kinds that were told to be unread, and why. */
  get unread(): Readonly<Record<string, string>> {
    const last = this.events.findLast((event) => event.type === 'unread');
    return Object.fromEntries((last?.unread ?? []).map(({ policy, why }) => [policy, why]));
  }

  /** What was told to have been read. */
  get policiesRead(): PolicyReads {
    return this.events.findLast((event) => event.type === 'unread')?.read ?? {};
  }

  /** Sentences of the current problems. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  get synced(): boolean {
    return this.source.synced;
  }

  keys(kind = ''): string[] {
    return [...this.objects.keys()].filter((key) => key.startsWith(kind)).sort();
  }

  /** How often an object was told. */
  told(key: ResourceKey): number {
    return this.events.filter((event) => event.type === 'upsert' && event.object.key === key).length;
  }

  /** What a restarted program would know. */
  known(): KnownObject[] {
    return [...this.objects.values()].map((version) => ({ key: version.key, file: version.position.file, version }));
  }

  #take(event: SourceEvent): void {
    this.events.push(event);
    if (event.type === 'upsert') this.objects.set(event.object.key, event.object);
    else if (event.type === 'remove') this.objects.delete(event.key);
    else if (event.type === 'problems') this.#problems = event.problems.map(({ problem }) => problem.message);
  }
}

export type WatchedCluster = {
  readonly server: ApiServer;
  /** The way from the watchers to the server. */
  readonly way: TcpRelay;
  /** The watchers' access data. */
  readonly kubeconfig: string;
  /** A watcher of the cluster, started; closed with the test. */
  watch(options?: WatchOptions): Promise<Watcher>;
};

/** `servers`: further addresses of the cluster. */
export type WatchOptions = Partial<KubernetesSourceOptions> & { readonly servers?: readonly string[] };

/** A test cluster, and watchers of it. */
export async function watchedCluster(context: TestContext, options: ApiServerOptions = {}): Promise<WatchedCluster> {
  const server = await ApiServer.start({ bookmarkIntervalMs: 100, ...options });
  context.after(() => server.stop());
  const way = await TcpRelay.open(Number(new URL(server.url).port));
  context.after(() => way.close());
  const kubeconfig = path.join(temporaryFolder(context), 'kubeconfig');
  writeFileSync(kubeconfig, server.kubeconfig({ url: `https://127.0.0.1:${way.port}` }));
  return {
    server,
    way,
    kubeconfig,
    async watch({ servers = [], ...watcherOptions } = {}) {
      const client = new ApiClient(new AccessFile({ kubeconfig, servers }));
      const watcher = new Watcher(client, watcherOptions);
      context.after(() => {
        watcher.source.close();
        return client.close();
      });
      await watcher.source.start();
      return watcher;
    },
  };
}

/** Resolves when everything was told once. */
export function synced(watcher: Watcher): Promise<unknown> {
  return eventually(() => watcher.synced, { timeoutMs: 15_000, what: `synced: ${watcher.problems.join(' ')}` });
}

/** A watcher that has been told everything once. */
export async function started(cluster: WatchedCluster, options?: WatchOptions): Promise<Watcher> {
  const watcher = await cluster.watch(options);
  await synced(watcher);
  return watcher;
}

/** Everything that was ever removed. */
export function removals(watcher: Watcher): string[] {
  return watcher.events.flatMap((event) => (event.type === 'remove' ? [event.key] : []));
}

export function aVirtualService(name: string, weight = 50, namespace = 'default'): KubeObject {
  const route = ['v1', 'v2'].map((subset, index) => ({
    destination: { host: 'myapp', subset },
    weight: index === 0 ? weight : 100 - weight,
  }));
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name, namespace },
    spec: { hosts: ['*'], gateways: ['myapp'], http: [{ route }] },
  };
}

export function aGateway(name: string, credentialName: string | undefined, namespace = 'default'): KubeObject {
  const server =
    credentialName === undefined
      ? { port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }
      : {
          port: { number: 443, name: 'https', protocol: 'HTTPS' },
          hosts: ['*'],
          tls: { mode: 'SIMPLE', credentialName },
        };
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name, namespace },
    spec: { selector: { istio: 'ingressgateway' }, servers: [server] },
  };
}

export function aSecret(name: string, namespace = 'istio-system'): KubeObject {
  const data = { 'tls.crt': 'Yw==', 'tls.key': 'aw==', other: 'c2VjcmV0' };
  return { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name, namespace }, data };
}
