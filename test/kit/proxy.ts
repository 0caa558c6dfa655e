import net, { type AddressInfo } from 'node:net';
import { peerOf } from '#gateway/proxy/filter/client-address.ts';
import { Proxy } from '#gateway/proxy/request-path.ts';
import type { ProxyLimits, ProxySettings, ProxyTimeouts } from '#gateway/proxy/types.ts';
import type { Cluster, Endpoint } from '#gateway/snapshot/cluster.ts';
import type { Listener } from '#gateway/snapshot/listener.ts';
import type { Route, RouteAction, VirtualHost } from '#gateway/snapshot/route.ts';
import {
  SNAPSHOT_SCHEMA,
  type SnapshotDelta,
  type SnapshotUnits,
  type WorkerDelta,
} from '#gateway/snapshot/snapshot.ts';
import type { AccessLogRecord } from '#gateway/telemetry/access-log-format.ts';
import { ProxyMetrics } from '#gateway/telemetry/metrics.ts';

export const LISTENER = 'http.31380';

/** A cluster with one endpoint per port on 127.0.0.1. */
export function aCluster(ports: readonly (number | Endpoint)[], over: Partial<Cluster> = {}): Cluster {
  const subset = over.subset ?? 'v1';
  return {
    key: `outbound|80|${subset}|myapp.default.svc.cluster.local`,
    host: 'myapp.default.svc.cluster.local',
    port: 80,
    subset,
    namespace: 'default',
    serviceName: 'myapp',
    resolution: 'STATIC',
    balancer: 'ROUND_ROBIN',
    connectTimeoutMs: 2_000,
    endpoints: ports.map((port) => (typeof port === 'number' ? { address: '127.0.0.1', port, weight: 1 } : port)),
    ...over,
  };
}

export function aRoute(action: RouteAction, over: Partial<Route> = {}): Route {
  return { key: 'default/myapp/0', name: 'default', virtualService: 'default/myapp', matches: [], action, ...over };
}

/** A route to these clusters, with equal weights unless given. */
export function forwardTo(clusters: readonly (string | [string, number])[], timeoutMs?: number): RouteAction {
  const destinations = clusters.map((entry) =>
    typeof entry === 'string' ? { cluster: entry, weight: 1 } : { cluster: entry[0], weight: entry[1] },
  );
  return { kind: 'forward', destinations, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}

export function aVirtualHost(domain: string, routes: readonly Route[], over: Partial<VirtualHost> = {}): VirtualHost {
  return { key: `${LISTENER}|${domain}`, listener: LISTENER, domain, routes, ...over };
}

export function aListener(over: Partial<Listener> = {}): Listener {
  return { key: LISTENER, gatewayPort: 80, nodePorts: [31380], protocol: 'HTTP', tls: [], ...over };
}

type Unit = { readonly key: string };

function byKey<T extends Unit>(units: readonly T[]): Record<string, T> {
  return Object.fromEntries(units.map((unit) => [unit.key, unit]));
}

/** A full snapshot of these units. */
export function aSnapshot(units: {
  listeners?: readonly Listener[];
  virtualHosts?: readonly VirtualHost[];
  clusters?: readonly Cluster[];
}): SnapshotDelta {
  return aDelta(0, 1, units);
}

/** A delta that sets these units and removes those keys. */
export function aDelta(
  from: number,
  to: number,
  units: { listeners?: readonly Listener[]; virtualHosts?: readonly VirtualHost[]; clusters?: readonly Cluster[] },
  remove: Partial<Record<keyof SnapshotUnits, readonly string[]>> = {},
): SnapshotDelta {
  return {
    schema: SNAPSHOT_SCHEMA,
    from,
    to,
    set: {
      listeners: byKey(units.listeners ?? (from === 0 ? [aListener()] : [])),
      virtualHosts: byKey(units.virtualHosts ?? []),
      clusters: byKey(units.clusters ?? []),
      certificates: {},
    },
    remove: { listeners: [], virtualHosts: [], clusters: [], certificates: [], ...remove },
  };
}

/** Everything on `*` goes to one backend port. */
export function allTo(port: number, timeoutMs?: number): SnapshotDelta {
  const cluster = aCluster([port]);
  return aSnapshot({
    virtualHosts: [aVirtualHost('*', [aRoute(forwardTo([cluster.key], timeoutMs))])],
    clusters: [cluster],
  });
}

export type TestProxyOptions = {
  readonly snapshot?: WorkerDelta;
  readonly settings?: Partial<Omit<ProxySettings, 'limits' | 'timeouts'>>;
  readonly limits?: Partial<ProxyLimits>;
  readonly timeouts?: Partial<ProxyTimeouts>;
  readonly reads?: 'shared' | 'data';
  readonly address?: string;
};

export type TestProxy = {
  readonly port: number;
  readonly proxy: Proxy;
  readonly metrics: ProxyMetrics;
  /** Finished requests, in order. */
  readonly log: AccessLogRecord[];
  /** Errors the proxy logged. */
  readonly errors: unknown[];
  readonly serve: (delta: WorkerDelta) => void;
  readonly close: () => Promise<void>;
};

/** The proxy in this process, behind a real listening socket. */
export async function startProxy(options: TestProxyOptions = {}): Promise<TestProxy> {
  const metrics = new ProxyMetrics({ namespace: 'istio-system' });
  const log: AccessLogRecord[] = [];
  const errors: unknown[] = [];
  const proxy = new Proxy({
    settings: {
      trustedProxies: 0,
      pathNormalization: 'BASE',
      via: false,
      destinations: { allowLoopback: true, ownPorts: [] },
      ...options.settings,
      limits: { ...LIMITS, ...options.limits },
      timeouts: { ...TIMEOUTS, ...options.timeouts },
    },
    metrics,
    accessLog: { enabled: true, write: (record) => void log.push({ ...record }) },
    log: { error: (fields) => void errors.push(fields) },
    reads: options.reads ?? 'shared',
  });
  const serve = (delta: WorkerDelta): void => proxy.commit(proxy.prepare(delta));
  if (options.snapshot !== undefined) serve(options.snapshot);
  const server = net.createServer(
    { allowHalfOpen: true, noDelay: true },
    (socket) =>
      proxy.admit(socket) && proxy.serve(socket, { listener: LISTENER, nodePort: 31380, peer: peerOf(socket) }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, options.address ?? '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    proxy,
    metrics,
    log,
    errors,
    serve,
    close: async () => {
      proxy.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const LIMITS: ProxyLimits = {
  headerBytes: 61_440,
  targetBytes: 16_384,
  headerCount: 100,
  connectionsPerClient: 10_000,
  connections: 10_000,
  requestsPerConnection: 0,
  idleUpstreamPerEndpoint: 128,
  pendingPerCluster: 4_096,
};

const TIMEOUTS: ProxyTimeouts = {
  headerMs: 10_000,
  bodyIdleMs: 60_000,
  keepAliveMs: 60_000,
  responseMs: 0,
  streamIdleMs: 3_600_000,
  upstreamIdleMs: 60_000,
  drainIdleMs: 1_000,
  drainMs: 25_000,
};
