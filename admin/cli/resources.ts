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
} from '../api/schemas.ts';
import { type Column, formatTable } from './table.ts';
import { formatPosition } from './where.ts';

/** What `get` knows to show: how people may call it, and how its items become a table. */
export type Resource = {
  readonly name: string;
  readonly alias: string;
  readonly table: (items: readonly unknown[], options: { readonly wide: boolean }) => string;
};

export const resources: readonly Resource[] = [
  resource<ListenerItem>('listeners', 'listener', [
    { title: 'LISTENER', cell: ({ key }) => key },
    { title: 'PROTOCOL', cell: ({ protocol }) => protocol },
    { title: 'GATEWAY-PORT', cell: ({ gatewayPort }) => gatewayPort },
    { title: 'NODE-PORTS', cell: ({ nodePorts }) => nodePorts.join(',') },
    { title: 'HOSTS', cell: ({ virtualHosts }) => virtualHosts },
    {
      title: 'TLS',
      cell: ({ tls }) => tls.map(({ hosts, certificate }) => `${hosts.join(',')}=${certificate}`).join(' '),
      wide: true,
    },
  ]),
  resource<RouteItem>('routes', 'route', [
    { title: 'LISTENER', cell: ({ listener }) => listener },
    { title: 'HOST', cell: ({ host }) => host },
    { title: 'MATCH', cell: ({ matches }) => matches.join(' | ') || 'any' },
    { title: 'ROUTE', cell: ({ virtualService, key }) => (virtualService === '' ? '' : key) },
    { title: 'TO', cell: describeDestination },
    { title: 'NAME', cell: ({ name }) => name, wide: true },
    { title: 'TIMEOUT', cell: ({ timeoutMs }) => (timeoutMs === undefined ? '' : `${timeoutMs}ms`), wide: true },
    { title: 'CLUSTERS', cell: ({ destinations }) => destinations.map(({ cluster }) => cluster).join(' '), wide: true },
  ]),
  resource<ClusterItem>('clusters', 'cluster', [
    { title: 'HOST', cell: ({ host }) => host },
    { title: 'PORT', cell: ({ port }) => port },
    { title: 'SUBSET', cell: ({ subset = '' }) => subset },
    { title: 'ENDPOINTS', cell: ({ endpoints }) => endpoints },
    { title: 'BALANCER', cell: ({ balancer }) => balancer },
    { title: 'RESOLUTION', cell: ({ resolution }) => resolution, wide: true },
    { title: 'CONNECT-TIMEOUT', cell: ({ connectTimeoutMs }) => `${connectTimeoutMs}ms`, wide: true },
    { title: 'CLUSTER', cell: ({ key }) => key, wide: true },
  ]),
  resource<EndpointItem>('endpoints', 'endpoint', [
    {
      title: 'ADDRESS',
      cell: ({ address, port }) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`),
    },
    { title: 'WEIGHT', cell: ({ weight }) => weight },
    { title: 'PRIORITY', cell: ({ priority = 0 }) => priority, wide: true },
    { title: 'CLUSTER', cell: ({ cluster }) => cluster },
    { title: 'LOCALITY', cell: ({ locality = '' }) => locality, wide: true },
  ]),
  resource<CertificateItem>('certificates', 'certificate', [
    { title: 'CERTIFICATE', cell: ({ key }) => key },
    { title: 'STATE', cell: ({ state }) => state },
    { title: 'ENDS', cell: ({ notAfter }) => notAfter.slice(0, 10) },
    { title: 'NAMES', cell: ({ names }) => names.join(',') },
    { title: 'BEGINS', cell: ({ notBefore }) => notBefore.slice(0, 10), wide: true },
    { title: 'USED-BY', cell: ({ usedBy }) => usedBy.join(','), wide: true },
    { title: 'SHA256', cell: ({ fingerprint }) => fingerprint, wide: true },
  ]),
  resource<ProblemItem>('problems', 'problem', [
    { title: 'SEVERITY', cell: ({ severity }) => severity },
    { title: 'CODE', cell: ({ code }) => code },
    { title: 'OBJECT', cell: ({ object }) => (object ? `${object.kind}/${object.namespace}/${object.name}` : '') },
    { title: 'FIELD', cell: ({ field = '' }) => field, wide: true },
    {
      title: 'WHERE',
      cell: ({ position }) => (position ? formatPosition(position) : ''),
    },
    { title: 'MESSAGE', cell: ({ message }) => message },
  ]),
  resource<WorkerItem>('workers', 'worker', [
    { title: 'WORKER', cell: ({ index }) => index },
    { title: 'PID', cell: ({ pid }) => pid },
    { title: 'STATE', cell: ({ state }) => state },
    { title: 'VERSION', cell: ({ version }) => version },
    { title: 'CONNECTIONS', cell: ({ connections }) => connections },
    { title: 'RESTARTS', cell: ({ restarts }) => restarts },
    { title: 'SINCE', cell: ({ startedAt }) => startedAt },
  ]),
  resource<KindItem>('kinds', 'kind', [
    { title: 'KIND', cell: ({ kind }) => kind },
    { title: 'GROUP', cell: ({ group }) => group },
    { title: 'STATE', cell: ({ state }) => state },
    { title: 'OBJECTS', cell: ({ objects }) => objects },
    { title: 'LAG', cell: ({ lagSeconds }) => (lagSeconds === undefined ? '' : `${lagSeconds}s`) },
    { title: 'LAST-SYNC', cell: ({ lastSyncAt = '' }) => lastSyncAt },
    { title: 'FAILURES', cell: ({ failures }) => failures },
    { title: 'LISTS', cell: ({ lists }) => lists, wide: true },
    { title: 'WATCHES', cell: ({ watches }) => watches, wide: true },
  ]),
  resource<NodeItem>('nodes', 'node', [
    { title: 'NODE', cell: ({ node }) => node },
    { title: 'STATE', cell: ({ state }) => state },
    { title: 'LEADER', cell: ({ leader }) => (leader ? 'yes' : '') },
    { title: 'SNAPSHOT', cell: ({ snapshotHash }) => snapshotHash.slice(0, 12) },
    { title: 'VERSION', cell: ({ servedVersion }) => servedVersion },
    { title: 'OBJECTS', cell: ({ objects }) => objects },
    { title: 'REVISION', cell: ({ resourceVersion = '' }) => resourceVersion },
    { title: 'PROGRAM', cell: ({ programVersion }) => programVersion },
    { title: 'LAST-SEEN', cell: ({ lastSeenAt }) => lastSeenAt },
    { title: 'LOCALITY', cell: ({ locality = '' }) => locality, wide: true },
    { title: 'SINCE', cell: ({ startedAt }) => startedAt, wide: true },
    { title: 'SHA256', cell: ({ snapshotHash }) => snapshotHash, wide: true },
  ]),
];

function resource<T>(name: string, alias: string, columns: readonly Column<T>[]): Resource {
  return {
    name,
    alias,
    // The items come from the API under this very name; its schema is the type's.
    table: (items, options) => formatTable(items as readonly T[], columns, options),
  };
}

function describeDestination({ destinations, answer = '' }: RouteItem): string {
  if (destinations.length === 0) return answer;
  return destinations
    .map(({ host, subset, port, percent }) => `${host}:${port}${subset ? `/${subset}` : ''} ${percent}%`)
    .join(', ');
}
