import type { CatalogReader } from '../resource/catalog/catalog.ts';
import { CLUSTER_DOMAIN } from '../resource/host-names.ts';
import type { ServiceEntryResource, ServiceResource } from '../resource/resource.ts';

/** What answers for a destination host: a Service, or a ServiceEntry that names it. */
export type Backend = {
  /** Full host: the Service's, or the destination's own as a ServiceEntry (possibly a wildcard one) covers it. */
  readonly host: string;
} & (
  | { readonly kind: 'service'; readonly resource: ServiceResource }
  | { readonly kind: 'entry'; readonly resource: ServiceEntryResource }
);

/** A port that a backend offers. */
export type BackendPort = { readonly number: number; readonly name: string };

/**
 * Finds what answers for `host`: a Service, then a ServiceEntry with this very host, then the Service that a partly
 * written name (`name.ns`, `name.ns.svc`) means, then the ServiceEntry with the longest wildcard over it.
 * ServiceEntries count only if they are exported to the gateway's namespace.
 */
export function findBackend(host: string, catalog: CatalogReader, gatewayNamespace: string): Backend | undefined {
  return (
    serviceBackend(host, catalog) ??
    entryBackend(host, host, catalog, gatewayNamespace) ??
    partlyWritten(host, catalog) ??
    wildcardBackend(host, catalog, gatewayNamespace)
  );
}

/** The TCP ports of a backend, in the order written. */
export function portsOf(backend: Backend): BackendPort[] {
  if (backend.kind === 'entry') return backend.resource.spec.ports.map(({ number, name }) => ({ number, name }));
  const tcp = backend.resource.spec.ports.filter((port) => port.protocol === 'TCP');
  return tcp.map((port) => ({ number: port.port, name: port.name ?? '' }));
}

/** An ExternalName Service often lists no ports: any port is then the external host's. */
export function hasAnyPort(backend: Backend): boolean {
  return backend.kind === 'service' && backend.resource.spec.type === 'ExternalName' && portsOf(backend).length === 0;
}

/** True when an object with this `exportTo` may be used by the gateway. */
export function isExportedTo(exportTo: readonly string[], gatewayNamespace: string): boolean {
  return exportTo.includes('*') || exportTo.includes(gatewayNamespace);
}

/** The wildcards over a host, longest first: `a.b.c` lies in `*.b.c` and `*.c`. */
export function wildcardsOver(host: string): string[] {
  const labels = (host.startsWith('*.') ? host.slice(2) : host).split('.');
  return labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join('.')}`);
}

function serviceBackend(host: string, catalog: CatalogReader): Backend | undefined {
  const resource = catalog.service(host);
  return resource && { kind: 'service', host, resource };
}

function entryBackend(
  host: string,
  entryHost: string,
  catalog: CatalogReader,
  gatewayNamespace: string,
): Backend | undefined {
  const resource = catalog
    .serviceEntries(entryHost)
    .find((entry) => isExportedTo(entry.spec.exportTo, gatewayNamespace));
  return resource && { kind: 'entry', host, resource };
}

function partlyWritten(host: string, catalog: CatalogReader): Backend | undefined {
  const labels = host.split('.');
  if (labels.length !== 2 && !(labels.length === 3 && labels[2] === 'svc')) return undefined;
  return serviceBackend(`${labels[0]}.${labels[1]}.${CLUSTER_DOMAIN}`, catalog);
}

function wildcardBackend(host: string, catalog: CatalogReader, gatewayNamespace: string): Backend | undefined {
  for (const wildcard of wildcardsOver(host)) {
    const backend = entryBackend(host, wildcard, catalog, gatewayNamespace);
    if (backend !== undefined) return backend;
  }
  return undefined;
}
