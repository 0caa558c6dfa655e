import type { Certificate } from '../../snapshot/certificate.ts';
import type { Listener, TlsServer } from '../../snapshot/listener.ts';
import type { Problem } from '../../snapshot/problem.ts';
import { compareText } from '../resource/age.ts';
import type { CatalogReader } from '../resource/catalog/catalog.ts';
import type { GatewayHost } from '../resource/istio/gateway.ts';
import type { AcceptedServer } from './accepted-server.ts';
import type { GatewayIdentity } from './build-input.ts';
import { findCertificate } from './certificates.ts';
import { type MergedGateways, mergeGateways, type PlacedServer, type Protocol } from './merge-gateways.ts';
import type { PortSlot } from './port-slots.ts';
import { problemAt } from './problem-at.ts';
import { httpsRedirect } from './redirects.ts';

/** The listening side of a snapshot, and the servers that routes are bound to. */
export type ListenerPlan = {
  readonly listeners: readonly Listener[];
  readonly certificates: readonly Certificate[];
  readonly servers: readonly AcceptedServer[];
  readonly problems: readonly Problem[];
};

/** Builds all listeners; every node port of the settings has one, also when no Gateway speaks of it. */
export function buildListeners(identity: GatewayIdentity, catalog: CatalogReader): ListenerPlan {
  const merged = mergeGateways(catalog.gateways(), identity);
  const secured = merged.placed.flatMap((placed) => secure(placed, identity, catalog));
  const servers = merged.placed.map((placed) => accept(placed, merged));
  const certificates = new Map(
    secured.flatMap(({ outcome }) =>
      'certificate' in outcome ? [[outcome.certificate.key, outcome.certificate]] : [],
    ),
  );
  return {
    listeners: [...merged.slots].map(([slot, protocol]) => toListener(slot, protocol, secured, identity)),
    certificates: [...certificates.values()],
    servers: servers.map(({ server }) => server),
    problems: [
      ...merged.problems,
      ...secured.flatMap(credentialProblem),
      ...servers.flatMap(({ problems }) => problems),
    ],
  };
}

type SecuredServer = { readonly placed: PlacedServer; readonly outcome: ReturnType<typeof findCertificate> };

function secure(placed: PlacedServer, identity: GatewayIdentity, catalog: CatalogReader): SecuredServer[] {
  const { tls } = placed.server;
  if (tls === undefined) return [];
  return [{ placed, outcome: findCertificate(tls.certificate, placed.gateway, identity.namespace, catalog) }];
}

function accept(placed: PlacedServer, merged: MergedGateways): { server: AcceptedServer; problems: Problem[] } {
  const { gateway, server, slot, hosts } = placed;
  const redirect = server.httpsRedirect ? httpsRedirect(placed, merged) : undefined;
  const accepted: AcceptedServer = {
    gateway: `${gateway.namespace}/${gateway.name}`,
    ...(gateway.creationTimestamp !== undefined && { creationTimestamp: gateway.creationTimestamp }),
    index: server.index,
    listener: listenerKey(slot, merged.slots.get(slot) ?? server.port.protocol),
    listenerPort: slot.gatewayPort,
    port: server.port.number,
    hosts: admittedNamespaces(hosts),
    // Without any HTTPS port people are sent to the default one rather than served in the clear.
    ...(server.httpsRedirect && { redirect: redirect ?? { ports: {} } }),
  };
  const missingPair = server.httpsRedirect && redirect === undefined ? [noHttpsPort(placed)] : [];
  return { server: accepted, problems: missingPair };
}

function admittedNamespaces(hosts: readonly GatewayHost[]): Map<string, string[]> {
  const groups = Map.groupBy(hosts, ({ host }) => host);
  return new Map([...groups].map(([host, group]) => [host, group.map(({ namespace }) => namespace)]));
}

function toListener(
  slot: PortSlot,
  protocol: Protocol,
  secured: readonly SecuredServer[],
  identity: GatewayIdentity,
): Listener {
  return {
    key: listenerKey(slot, protocol),
    gatewayPort: slot.gatewayPort,
    nodePorts: slot.nodePorts,
    protocol,
    tls: tlsServers(secured.filter(({ placed }) => placed.slot === slot)),
    emptyHint: emptyHint(identity.folder),
  };
}

function emptyHint(folder: string | undefined): string {
  return folder === undefined
    ? 'No routes yet: apply Gateway and VirtualService objects to the cluster'
    : `No routes yet: put Gateway, VirtualService and Service objects as YAML files into ${folder}`;
}

function listenerKey(slot: PortSlot, protocol: Protocol): string {
  return `${protocol.toLowerCase()}.${slot.nodePorts[0]}`;
}

/** A server whose certificate cannot be used is left out: its names are refused, the others are served. */
function tlsServers(secured: readonly SecuredServer[]): TlsServer[] {
  const servers = new Map<string, TlsServer>();
  for (const { placed, outcome } of secured) {
    const { gateway, server, hosts } = placed;
    if (server.tls === undefined || !('certificate' in outcome)) continue;
    const name = `${gateway.namespace}/${gateway.name}/${server.port.name}`;
    const key = servers.has(name) ? `${name}.${server.index}` : name;
    const { minVersion, maxVersion, cipherSuites } = server.tls;
    servers.set(key, {
      key,
      hosts: [...new Set(hosts.map(({ host }) => host))].sort(compareText),
      certificate: outcome.certificate.key,
      minVersion,
      maxVersion,
      ...(cipherSuites !== undefined && { cipherSuites }),
    });
  }
  return [...servers.values()].sort((a, b) => compareText(a.key, b.key));
}

function credentialProblem({ placed, outcome }: SecuredServer): Problem[] {
  if ('certificate' in outcome) return [];
  const { gateway, server } = placed;
  const field = server.tls?.certificate.kind === 'file' ? 'serverCertificate' : 'credentialName';
  return [
    problemAt(gateway, ['spec', 'servers', server.index, 'tls', field], {
      severity: 'error',
      code: outcome.code,
      message: `TLS handshakes for ${placed.hosts.map(({ host }) => host).join(', ')} are refused: ${outcome.reason}.`,
    }),
  ];
}

function noHttpsPort({ gateway, server }: PlacedServer): Problem {
  return problemAt(gateway, ['spec', 'servers', server.index, 'tls', 'httpsRedirect'], {
    severity: 'error',
    code: 'MG1103',
    message:
      'httpsRedirect has no HTTPS port to lead to, so it names the default port 443. Add an HTTPS server, and map its port under ports: in gateway.yaml.',
  });
}
