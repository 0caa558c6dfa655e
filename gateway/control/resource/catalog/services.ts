import { CLUSTER_DOMAIN } from '../host-names.ts';
import type { ServiceEntryResource, ServiceResource } from '../resource.ts';
import { isVisible } from '../visibility.ts';
import type { CatalogReader } from './catalog.ts';

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
 * Each counts only if it is exported to the gateway's namespace; undefined asks for any.
 */
export function findBackend(
  host: string,
  catalog: CatalogReader,
  gatewayNamespace: string | undefined,
): Backend | undefined {
  return (
    serviceBackend(host, catalog, gatewayNamespace) ??
    entryBackend(host, host, catalog, gatewayNamespace) ??
    partlyWritten(host, catalog, gatewayNamespace) ??
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

/** The wildcards over a host, longest first: `a.b.c` lies in `*.b.c` and `*.c`. */
export function wildcardsOver(host: string): string[] {
  const labels = (host.startsWith('*.') ? host.slice(2) : host).split('.');
  return labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join('.')}`);
}

/** What would answer for a host if it were exported to the gateway. */
export function findHidden(host: string, catalog: CatalogReader): Backend | undefined {
  return findBackend(host, catalog, undefined);
}

function serviceBackend(host: string, catalog: CatalogReader, gatewayNamespace: string | undefined) {
  const resource = catalog.service(host);
  if (resource === undefined || !isUsable(resource, gatewayNamespace)) return undefined;
  return { kind: 'service', host, resource } as const;
}

function entryBackend(
  host: string,
  entryHost: string,
  catalog: CatalogReader,
  gatewayNamespace: string | undefined,
): Backend | undefined {
  const resource = catalog.serviceEntries(entryHost).find((entry) => isUsable(entry, gatewayNamespace));
  return resource && { kind: 'entry', host, resource };
}

function isUsable(resource: ServiceResource | ServiceEntryResource, gatewayNamespace: string | undefined): boolean {
  return gatewayNamespace === undefined || isVisible(resource, gatewayNamespace);
}

function partlyWritten(host: string, catalog: CatalogReader, gatewayNamespace: string | undefined) {
  const labels = host.split('.');
  if (labels.length !== 2 && !(labels.length === 3 && labels[2] === 'svc')) return undefined;
  return serviceBackend(`${labels[0]}.${labels[1]}.${CLUSTER_DOMAIN}`, catalog, gatewayNamespace);
}

function wildcardBackend(
  host: string,
  catalog: CatalogReader,
  gatewayNamespace: string | undefined,
): Backend | undefined {
  for (const wildcard of wildcardsOver(host)) {
    const backend = entryBackend(host, wildcard, catalog, gatewayNamespace);
    if (backend !== undefined) return backend;
  }
  return undefined;
}
