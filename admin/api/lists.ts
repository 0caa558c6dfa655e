/**
 * The lists of the admin API, derived from the snapshot that is served: what is shown is what the workers have,
 * not what somebody wrote. Fields are copied one by one, so that a private key cannot slip through.
 */
import type { Certificate } from '../../gateway/snapshot/certificate.ts';
import type { Cluster } from '../../gateway/snapshot/cluster.ts';
import type { Problem } from '../../gateway/snapshot/problem.ts';
import type { Denied, Route, VirtualHost, WeightedCluster } from '../../gateway/snapshot/route.ts';
import type { Snapshot, SnapshotUnits } from '../../gateway/snapshot/snapshot.ts';
import type { NodeView, SourceKindStatus, WorkerView } from '../views.ts';
import { describeAnswer, describeMatch } from './describe.ts';
import type {
  CertificateItem,
  ClusterItem,
  EndpointItem,
  KindItem,
  ListenerItem,
  NodeItem,
  ProblemItem,
  RouteItem,
  WorkerItem,
} from './schemas.ts';

const SOON_MS = 21 * 24 * 3_600_000;

/** Shown before the first snapshot is served. */
export const emptyUnits: SnapshotUnits = { listeners: {}, virtualHosts: {}, clusters: {}, certificates: {} };

export function listenerItems(units: SnapshotUnits): ListenerItem[] {
  const hosts = Map.groupBy(Object.values(units.virtualHosts), (host) => host.listener);
  return Object.values(units.listeners).map((listener) => ({
    key: listener.key,
    protocol: listener.protocol,
    gatewayPort: listener.gatewayPort,
    nodePorts: [...listener.nodePorts],
    virtualHosts: hosts.get(listener.key)?.length ?? 0,
    tls: listener.tls.map(({ key, hosts: names, certificate, minVersion, maxVersion }) => ({
      key,
      hosts: [...names],
      certificate,
      minVersion,
      maxVersion,
    })),
  }));
}

/** One item for each rule of each host, in the order in which they are tried. */
export function routeItems(units: SnapshotUnits): RouteItem[] {
  return Object.values(units.virtualHosts).flatMap((host) => {
    if (host.denied !== undefined) return [deniedItem(host, host.denied)];
    if (host.httpsRedirect !== undefined) return [httpsRedirectItem(host)];
    return host.routes.map((route) => routeItem(host, route, units.clusters));
  });
}

function routeItem(host: VirtualHost, route: Route, clusters: SnapshotUnits['clusters']): RouteItem {
  const { action } = route;
  const answer = describeAnswer(action);
  return {
    listener: host.listener,
    host: host.domain,
    key: route.key,
    name: route.name,
    virtualService: route.virtualService,
    matches: route.matches.map(describeMatch),
    action: action.kind,
    destinations: action.kind === 'forward' ? destinationItems(action.destinations, clusters) : [],
    ...(action.kind === 'forward' && action.timeoutMs !== undefined ? { timeoutMs: action.timeoutMs } : {}),
    ...(answer === undefined ? {} : { answer }),
  };
}

function destinationItems(
  destinations: readonly WeightedCluster[],
  clusters: SnapshotUnits['clusters'],
): RouteItem['destinations'] {
  const sum = destinations.reduce((total, { weight }) => total + weight, 0);
  return destinations.map(({ cluster: key, weight }) => {
    const cluster = clusters[key];
    return {
      cluster: key,
      host: cluster?.host ?? '',
      ...(cluster?.subset === undefined ? {} : { subset: cluster.subset }),
      port: cluster?.port ?? 0,
      weight,
      percent: sum === 0 ? 0 : Math.round((weight * 10_000) / sum) / 100,
    };
  });
}

function deniedItem(host: VirtualHost, { policies }: Denied): RouteItem {
  return {
    listener: host.listener,
    host: host.domain,
    key: `${host.key}/denied`,
    name: 'denied',
    virtualService: '',
    matches: [],
    action: 'denied',
    destinations: [],
    answer: `403, since ${policies.join(', ')} ${policies.length === 1 ? 'is' : 'are'} not enforced here`,
  };
}

function httpsRedirectItem(host: VirtualHost): RouteItem {
  const ports = [...new Set(Object.values(host.httpsRedirect?.ports ?? {}))];
  return {
    listener: host.listener,
    host: host.domain,
    key: `${host.key}/https-redirect`,
    name: 'https-redirect',
    virtualService: '',
    matches: [],
    action: 'https-redirect',
    destinations: [],
    answer: `301 to https, port ${ports.join(' or ')}`,
  };
}

export function clusterItems(units: SnapshotUnits): ClusterItem[] {
  return Object.values(units.clusters).map((cluster: Cluster) => ({
    key: cluster.key,
    host: cluster.host,
    port: cluster.port,
    ...(cluster.subset === undefined ? {} : { subset: cluster.subset }),
    namespace: cluster.namespace,
    service: cluster.serviceName,
    resolution: cluster.resolution,
    balancer: cluster.balancer,
    connectTimeoutMs: cluster.connectTimeoutMs,
    endpoints: cluster.endpoints.length,
  }));
}

export function endpointItems(units: SnapshotUnits): EndpointItem[] {
  return Object.values(units.clusters).flatMap((cluster) =>
    cluster.endpoints.map((endpoint) => ({ cluster: cluster.key, ...endpoint })),
  );
}

export function certificateItems(units: SnapshotUnits, now: number): CertificateItem[] {
  const users = Map.groupBy(
    Object.values(units.listeners).flatMap((listener) => listener.tls),
    (server) => server.certificate,
  );
  return Object.values(units.certificates).map((certificate) => ({
    key: certificate.key,
    names: [...certificate.names],
    fingerprint: certificate.fingerprint,
    notBefore: isoTime(certificate.notBefore),
    notAfter: isoTime(certificate.notAfter),
    state: certificateState(certificate, now),
    usedBy: (users.get(certificate.key) ?? []).map((server) => server.key),
  }));
}

/** Where in its time a certificate is. */
export function certificateState(
  { notBefore, notAfter }: Pick<Certificate, 'notBefore' | 'notAfter'>,
  now: number,
): CertificateItem['state'] {
  if (now < notBefore) return 'not-yet-valid';
  if (now > notAfter) return 'expired';
  return notAfter - now < SOON_MS ? 'expires-soon' : 'valid';
}

const severityOrder = { error: 0, warning: 1, info: 2 } as const;

/** Errors first, then by file and line. */
export function problemItems(problems: readonly Problem[]): ProblemItem[] {
  return [...problems].sort(compareProblems).map((problem) => ({
    severity: problem.severity,
    code: problem.code,
    message: problem.message,
    ...(problem.object === undefined ? {} : { object: pickObject(problem.object) }),
    ...(problem.field === undefined ? {} : { field: problem.field }),
    ...(problem.position === undefined ? {} : { position: pickPosition(problem.position) }),
  }));
}

function compareProblems(a: Problem, b: Problem): number {
  return (
    severityOrder[a.severity] - severityOrder[b.severity] ||
    compareText(a.position?.file ?? '', b.position?.file ?? '') ||
    (a.position?.line ?? 0) - (b.position?.line ?? 0) ||
    (a.position?.column ?? 0) - (b.position?.column ?? 0) ||
    compareText(a.code, b.code)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function pickObject({ kind, namespace, name }: NonNullable<Problem['object']>): NonNullable<ProblemItem['object']> {
  return { kind, namespace, name };
}

function pickPosition({ file, line, column }: NonNullable<Problem['position']>): NonNullable<ProblemItem['position']> {
  return { file, line, column };
}

export function workerItems(workers: readonly WorkerView[]): WorkerItem[] {
  return [...workers]
    .sort((a, b) => a.index - b.index || a.startedAt - b.startedAt)
    .map((worker) => ({
      index: worker.index,
      pid: worker.pid,
      state: worker.state,
      version: worker.version,
      connections: worker.connections,
      startedAt: isoTime(worker.startedAt),
      restarts: worker.restarts,
    }));
}

export function nodeItems(nodes: readonly NodeView[]): NodeItem[] {
  return nodes.map((node) => ({
    node: node.node,
    state: node.state,
    leader: node.leader,
    programVersion: node.programVersion,
    snapshotHash: node.snapshotHash,
    servedVersion: node.servedVersion,
    objects: node.objects,
    ...(node.resourceVersion === undefined ? {} : { resourceVersion: node.resourceVersion }),
    ...(node.locality === undefined ? {} : { locality: node.locality }),
    startedAt: node.startedAt,
    lastSeenAt: isoTime(node.lastSeenAt),
  }));
}

/** How the source knows each kind of a cluster; none where the source is a folder. */
export function kindItems(kinds: readonly SourceKindStatus[], now: number): KindItem[] {
  return kinds.map((kind) => ({ ...kindItem(kind), ...lagOf(kind, now) }));
}

/** One kind of `status`. */
export function kindItem({ lastSyncAt, kind, group, state, objects, lists, watches, failures }: SourceKindStatus) {
  const common = { kind, group, state, objects, lists, watches, failures };
  return { ...common, ...(lastSyncAt !== undefined && { lastSyncAt: isoTime(lastSyncAt) }) };
}

function lagOf({ state, lastSyncAt }: SourceKindStatus, now: number): { lagSeconds?: number } {
  if (state === 'watching') return { lagSeconds: 0 };
  return lastSyncAt === undefined ? {} : { lagSeconds: Math.max(0, Math.round((now - lastSyncAt) / 1_000)) };
}

/** Counts shown by `status`. */
export function countUnits(snapshot: Snapshot | undefined): {
  listeners: number;
  virtualHosts: number;
  routes: number;
  clusters: number;
  endpoints: number;
  certificates: number;
} {
  const units = snapshot ?? emptyUnits;
  const hosts = Object.values(units.virtualHosts);
  const clusters = Object.values(units.clusters);
  return {
    listeners: Object.keys(units.listeners).length,
    virtualHosts: hosts.length,
    routes: hosts.reduce((sum, host) => sum + host.routes.length, 0),
    clusters: clusters.length,
    endpoints: clusters.reduce((sum, cluster) => sum + cluster.endpoints.length, 0),
    certificates: Object.keys(units.certificates).length,
  };
}

/** RFC 3339, as JSON and people read it. */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
