import type { ObjectRef } from '../../snapshot/problem.ts';
import type { VirtualHost } from '../../snapshot/route.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { hostWithin, serviceHost } from '../resource/host-names.ts';
import { type Resource, resourceKey } from '../resource/resource.ts';
import { isRuleFor } from './object-graph.ts';

/** Keys of the snapshot's units that an object became, or is part of. */
export type ServedUnits = {
  readonly listeners: readonly string[];
  readonly virtualHosts: readonly string[];
  readonly clusters: readonly string[];
  readonly certificates: readonly string[];
};

const NOTHING: ServedUnits = { listeners: [], virtualHosts: [], clusters: [], certificates: [] };

/** What of the snapshot an object stands for; `resource` is the version of it that is served. */
export function unitsOf(
  object: ObjectRef,
  resource: Resource | undefined,
  snapshot: Snapshot | undefined,
): ServedUnits {
  if (snapshot === undefined || resource === undefined) return NOTHING;
  switch (resource.kind) {
    case 'Gateway':
      return ofGateway(resource, snapshot);
    case 'VirtualService':
      return ofVirtualService(`${object.namespace}/${object.name}`, snapshot);
    case 'DestinationRule':
      return { ...NOTHING, clusters: clustersOf(snapshot, (host) => isRuleFor(resource, host)) };
    case 'ServiceEntry':
      return {
        ...NOTHING,
        clusters: clustersOf(snapshot, (host) => resource.spec.hosts.some((own) => hostWithin(host, own))),
      };
    case 'Service':
    case 'Endpoints':
      return ofService(resource.namespace, resource.name, snapshot);
    case 'EndpointSlice':
      return ofService(resource.namespace, resource.spec.service ?? '', snapshot);
    case 'WorkloadEntry':
      return ofAddress(resource.spec.address, snapshot);
    case 'Pod':
      return ofAddress(resource.spec.podIP, snapshot);
    case 'Secret':
      return ofSecret(`${resource.namespace}/${resource.name}`, snapshot);
    default:
      return { ...NOTHING, virtualHosts: hostsWhere(snapshot, ({ denied }) => isDeniedBy(object, denied)) };
  }
}

function ofGateway(gateway: Extract<Resource, { kind: 'Gateway' }>, snapshot: Snapshot): ServedUnits {
  const { servers } = gateway.spec;
  const own = Object.values(snapshot.listeners).filter(({ gatewayPort, protocol }) =>
    servers.some(({ port }) => port.number === gatewayPort && port.protocol === protocol),
  );
  const prefix = `${gateway.namespace}/${gateway.name}/`;
  const tls = own.flatMap((listener) => listener.tls).filter(({ key }) => key.startsWith(prefix));
  const listeners = new Map(own.map((listener) => [listener.key, listener.gatewayPort]));
  const exposes = ({ listener, domain }: VirtualHost): boolean =>
    servers.some(
      ({ port, hosts }) =>
        port.number === listeners.get(listener) && hosts.some(({ host }) => hostWithin(domain, host)),
    );
  return {
    listeners: [...listeners.keys()],
    virtualHosts: hostsWhere(snapshot, exposes),
    clusters: [],
    certificates: [...new Set(tls.map(({ certificate }) => certificate))],
  };
}

function ofVirtualService(id: string, snapshot: Snapshot): ServedUnits {
  const hosts = Object.values(snapshot.virtualHosts).filter(({ routes }) =>
    routes.some(({ virtualService }) => virtualService === id),
  );
  const actions = hosts.flatMap(({ routes }) => routes.filter(({ virtualService }) => virtualService === id));
  const clusters = actions.flatMap(({ action }) => (action.kind === 'forward' ? action.destinations : []));
  return {
    listeners: [...new Set(hosts.map(({ listener }) => listener))],
    virtualHosts: hosts.map(({ key }) => key),
    clusters: [...new Set(clusters.map(({ cluster }) => cluster))],
    certificates: [],
  };
}

function ofService(namespace: string, name: string, snapshot: Snapshot): ServedUnits {
  const own = serviceHost(name, namespace);
  return { ...NOTHING, clusters: clustersOf(snapshot, (host) => host === own) };
}

function ofAddress(address: string | undefined, snapshot: Snapshot): ServedUnits {
  const clusters = Object.values(snapshot.clusters).filter(({ endpoints }) =>
    endpoints.some((endpoint) => endpoint.address === address),
  );
  return { ...NOTHING, clusters: clusters.map(({ key }) => key) };
}

function ofSecret(key: string, snapshot: Snapshot): ServedUnits {
  if (snapshot.certificates[key] === undefined) return NOTHING;
  const users = Object.values(snapshot.listeners).filter(({ tls }) =>
    tls.some(({ certificate }) => certificate === key),
  );
  return { ...NOTHING, certificates: [key], listeners: users.map((listener) => listener.key) };
}

function clustersOf(snapshot: Snapshot, isOwn: (host: string) => boolean): string[] {
  return Object.values(snapshot.clusters)
    .filter(({ host }) => isOwn(host))
    .map(({ key }) => key);
}

function hostsWhere(snapshot: Snapshot, is: (host: VirtualHost) => boolean): string[] {
  return Object.values(snapshot.virtualHosts)
    .filter(is)
    .map(({ key }) => key);
}

function isDeniedBy(object: ObjectRef, denied: VirtualHost['denied']): boolean {
  return denied?.policies.includes(resourceKey(object)) ?? false;
}
