import type { Problem } from '../../../snapshot/problem.ts';
import type { GatewayServer } from '../istio/gateway.ts';
import type { GatewayResource } from '../resource.ts';
import { checkClientCas } from './check-client-ca.ts';
import { problemAbout } from './finding.ts';
import { Claims, mayShare, nameOf, serverPath } from './gateway-claims.ts';
import type { AnalyzeOptions } from './options.ts';
import type { ResourceIndex } from './resource-index.ts';

/** A Gateway: is it ours, are its certificates there? */
export function checkGateway(gateway: GatewayResource, index: ResourceIndex): Problem[] {
  const { options } = index;
  if (!isOurs(gateway, options)) return [foreign(gateway, options)];
  const found = gateway.spec.servers.flatMap((server) => [
    ...checkExpiry(gateway, server, index),
    // Build says this of the whole, with what happens meanwhile.
    ...(options.scope === 'partial' ? checkCredential(gateway, server, index) : []),
  ]);
  return [...found, ...checkClientCas(gateway, index)];
}

/** Do Gateways agree about ports and hosts? */
export function checkGatewayClaims(index: ResourceIndex): Problem[] {
  const claims = new Claims(index.options);
  const ours = index.gateways().filter((gateway) => isOurs(gateway, index.options));
  // Of the whole, build says which servers are not served: it knows the node ports. Plain ones are joined there.
  const isLooked = ({ port }: GatewayServer) => index.options.scope === 'partial' || port.protocol === 'HTTP';
  return ours.flatMap((gateway) =>
    gateway.spec.servers.filter(isLooked).flatMap((server) => claims.claim(gateway, server)),
  );
}

/** One certificate on servers of several Gateways: a client with HTTP/2 would send the names of both over one connection. */
export function checkSharedCertificates(index: ResourceIndex): Problem[] {
  const owners = new Map<string, GatewayResource[]>();
  const ours = index.gateways().filter((gateway) => isOurs(gateway, index.options));
  return ours.flatMap((gateway) =>
    gateway.spec.servers.flatMap((server) => {
      const source = server.tls?.certificate;
      if (source === undefined) return [];
      const name = source.kind === 'secret' ? source.name : source.certificate;
      const known = owners.get(name) ?? [];
      const owner = known.find((other) => mayShare(other, gateway, index.options));
      if (owner === undefined) owners.set(name, [...known, gateway]);
      return owner === undefined || owner === gateway ? [] : [shared(gateway, server, name, owner)];
    }),
  );
}

function shared(gateway: GatewayResource, server: GatewayServer, name: string, owner: GatewayResource): Problem {
  const field = server.tls?.certificate.kind === 'file' ? 'serverCertificate' : 'credentialName';
  return problemAbout(gateway, serverPath(server, 'tls', field), {
    severity: 'info',
    code: 'IST0138',
    message: `The certificate ${name} is also that of Gateway ${nameOf(owner)}. Over HTTP/2, browsers use one connection for all names of a certificate, and gateways that bind it to one Gateway answer 404; HTTP/1.1, which is what is served here, is not concerned. Let one Gateway have both servers.`,
  });
}

function isOurs(gateway: GatewayResource, { gatewayLabels }: AnalyzeOptions): boolean {
  if (gatewayLabels === undefined) return true;
  return Object.entries(gateway.spec.selector ?? {}).every(([name, value]) => gatewayLabels[name] === value);
}

function foreign(gateway: GatewayResource, { gatewayLabels = {} }: AnalyzeOptions): Problem {
  const own = Object.entries(gatewayLabels).map(([name, value]) => `${name}: ${value}`);
  return problemAbout(
    gateway,
    ['spec', 'selector'],
    {
      severity: 'info',
      code: 'MG0304',
      message: `It selects other gateways than this one (whose labels are ${own.join(', ')}), so it is not served here. To serve it, make the selector match.`,
    },
    'key',
  );
}

function credentialOf(gateway: GatewayResource, server: GatewayServer, index: ResourceIndex) {
  const source = server.tls?.certificate;
  if (source?.kind !== 'secret') return undefined;
  const secret =
    index.secret(`${index.options.gatewayNamespace}/${source.name}`) ??
    index.secret(`${gateway.namespace}/${source.name}`);
  return { name: source.name, secret };
}

function checkCredential(gateway: GatewayResource, server: GatewayServer, index: ResourceIndex): Problem[] {
  const credential = credentialOf(gateway, server, index);
  if (credential === undefined || credential.secret?.spec.tls !== undefined) return [];
  const { name, secret } = credential;
  const path = serverPath(server, 'tls', 'credentialName');
  if (secret !== undefined) {
    const message = `Secret ${secret.namespace}/${name} holds no certificate: this server refuses every handshake. Give the Secret tls.crt and tls.key.`;
    return [problemAbout(gateway, path, { severity: 'error', code: 'IST0161', message })];
  }
  const places = [...new Set([index.options.gatewayNamespace, gateway.namespace])].join(' or ');
  const message = `There is no Secret ${name} that can be used in namespace ${places}: until there is, this server refuses every handshake. Create it (kubectl create secret tls), or correct the name.${index.suggestSecret(`${gateway.namespace}/${name}`)}`;
  return [problemAbout(gateway, path, { severity: 'warning', code: 'IST0101', message })];
}

function checkExpiry(gateway: GatewayResource, server: GatewayServer, index: ResourceIndex): Problem[] {
  const secret = credentialOf(gateway, server, index)?.secret;
  if (secret?.spec.tls === undefined) return [];
  const { notBefore, notAfter } = secret.spec.tls;
  const isOver = index.isAfter(notAfter);
  if (!isOver && !index.isBefore(notBefore)) return [];
  const when = isOver ? `expired on ${day(notAfter)}` : `is not valid before ${day(notBefore)}`;
  const message = `The certificate in Secret ${secret.namespace}/${secret.name} ${when}: clients refuse it. Renew it.`;
  return [
    problemAbout(gateway, serverPath(server, 'tls', 'credentialName'), {
      severity: 'warning',
      code: 'MG0306',
      message,
    }),
  ];
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
