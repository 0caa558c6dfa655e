import type { HttpsRedirect } from '../../snapshot/route.ts';
import { compareText, olderFirst } from '../resource/age.ts';
import { wildcardsOver } from '../resource/catalog/services.ts';
import { hostWithin } from '../resource/host-names.ts';
import type { VirtualServiceResource } from '../resource/resource.ts';
import { isExportedTo } from '../resource/visibility.ts';
import type { AcceptedServer } from './accepted-server.ts';

/** One name on one listener, with the VirtualService (if any) that brings routes for it. */
export type Binding = {
  readonly listener: string;
  readonly listenerPort: number;
  /** Virtual host: exact, `*.suffix` or `*`. */
  readonly domain: string;
  readonly redirect?: HttpsRedirect;
  /** Which server redirects, where nothing else is bound. */
  readonly server?: AcceptedServer;
  readonly virtualService?: BoundVirtualService;
};

/** A VirtualService with the Gateways and Gateway ports through which it reached the name. */
export type BoundVirtualService = {
  readonly resource: VirtualServiceResource;
  /** `namespace/name`, sorted. */
  readonly gateways: readonly string[];
  readonly ports: readonly number[];
};

/** Key of the virtual host that a binding belongs to. */
export function virtualHostKey(listener: string, domain: string): string {
  return `${listener}|${domain}`;
}

/**
 * Those without a VirtualService first, by the age of their Gateways, then the VirtualServices in the order in which their
 * routes are tried: an order that does not depend on who came first.
 */
export function compareBindings(a: Binding, b: Binding): number {
  if (a.server !== undefined && b.server !== undefined) return compareServers(a.server, b.server);
  if (a.virtualService === undefined || b.virtualService === undefined) {
    return (a.virtualService === undefined ? 0 : 1) - (b.virtualService === undefined ? 0 : 1);
  }
  return olderFirst(a.virtualService.resource, b.virtualService.resource);
}

/** A redirecting server redirects all its names, whether a VirtualService speaks of them or not. */
export function redirectBindings(server: AcceptedServer): Binding[] {
  const { listener, listenerPort, hosts, redirect } = server;
  if (redirect === undefined) return [];
  return [...hosts.keys()].map((domain) => ({ listener, listenerPort, domain, redirect, server }));
}

function compareServers(a: AcceptedServer, b: AcceptedServer): number {
  return olderFirst(gatewayOf(a), gatewayOf(b)) || a.index - b.index;
}

function gatewayOf({ gateway, creationTimestamp }: AcceptedServer) {
  const [namespace = '', name = ''] = gateway.split('/');
  return { namespace, name, ...(creationTimestamp !== undefined && { creationTimestamp }) };
}

/**
 * Every name that a VirtualService has on the servers of its Gateways: the intersection of both host lists, in either
 * direction (`*.foo.com` with `a.foo.com` is `a.foo.com`), within the namespaces that each server host admits.
 */
export function bindVirtualService(
  resource: VirtualServiceResource,
  servers: readonly AcceptedServer[],
  gatewayNamespace: string,
): Binding[] {
  if (!isExportedTo(resource.spec.exportTo, gatewayNamespace)) return [];
  const bound = new Map<string, Binding>();
  for (const server of servers) {
    const domains = new Set(resource.spec.hosts.flatMap((host) => intersect(host, server, resource.namespace)));
    for (const domain of domains) {
      const key = virtualHostKey(server.listener, domain);
      bound.set(key, join(bound.get(key), server, domain, resource));
    }
  }
  return [...bound.values()];
}

function join(
  known: Binding | undefined,
  at: AcceptedServer,
  domain: string,
  resource: VirtualServiceResource,
): Binding {
  const { listener, listenerPort } = at;
  const redirect = known?.redirect ?? at.redirect;
  const gateways = new Set([...(known?.virtualService?.gateways ?? []), at.gateway]);
  const ports = new Set([...(known?.virtualService?.ports ?? []), at.port]);
  const virtualService = {
    resource,
    gateways: [...gateways].sort(compareText),
    ports: [...ports].sort((a, b) => a - b),
  };
  return { listener, listenerPort, domain, ...(redirect && { redirect }), virtualService };
}

/** Names that a VirtualService's host has on a server. An exact host is looked up: a server may list thousands. */
function intersect(host: string, server: AcceptedServer, namespace: string): string[] {
  const admits = (pattern: string) =>
    server.hosts.get(pattern)?.some((one) => one === '*' || one === namespace) ?? false;
  if (!host.startsWith('*')) return [host, ...wildcardsOver(host), '*'].some(admits) ? [host] : [];
  const domains: string[] = [];
  for (const pattern of server.hosts.keys()) {
    if (!admits(pattern)) continue;
    if (hostWithin(host, pattern)) domains.push(host);
    else if (hostWithin(pattern, host)) domains.push(pattern);
  }
  return domains;
}
