// Promises: a Gateway's spec, typed; servers that cannot be served yet are set aside, each with an error, the rest serves.
// Never: reads certificates (Secrets are objects of their own) or knows which node port a server gets.
// Called by: the kinds table.
import { defined } from '../defined.ts';
import type { At } from '../reader/at.ts';
import { labels, listOf } from '../reader/collections.ts';
import { type Reader, refine, required } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { oneOf, orEmpty, plainText, port } from '../reader/scalars.ts';
import { isThere, writtenIn } from '../reader/together.ts';
import type { GatewayHost, GatewayServer, GatewaySpec } from './gateway.ts';
import { hostPattern, isDnsLabel } from './host-values.ts';
import { clientCaOf } from './read-client-ca.ts';
import { checkTlsTogether, type TlsFields, tlsFields, toGatewayTls } from './read-gateway-tls.ts';

const PROTOCOLS = [
  ...(['HTTP', 'HTTPS', 'GRPC', 'GRPC-WEB', 'HTTP2', 'MONGO', 'TCP', 'TLS'] as const),
  ...(['REDIS', 'MYSQL', 'UDP', 'HTTP_PROXY'] as const),
];
type Protocol = (typeof PROTOCOLS)[number];
const protocol: Reader<Protocol> = oneOf(
  // Each word stands for itself.
  Object.fromEntries(PROTOCOLS.map((word) => [word, word])) as Record<Protocol, Protocol>,
  { ignoreCase: true },
);

const serverPort = record({
  number: required(port, 'write the port, as number: 80'),
  name: required(plainText, 'give the port a name, as name: http'),
  protocol: required(protocol, 'write HTTP or HTTPS'),
});

const serverHost: Reader<GatewayHost> = refine(plainText, (value, at) => {
  const slash = value.indexOf('/');
  const namespace = slash === -1 ? '*' : value.slice(0, slash);
  if (namespace !== '*' && namespace !== '.' && !isDnsLabel(namespace))
    return at.report({
      message: `"${namespace}" is not a namespace: write namespace/host, ./host, */host or just the host.`,
    });
  const child = slash === -1 ? at : at.sibling(value.slice(slash + 1));
  const host = hostPattern(child);
  if (host !== undefined) warnOfHost(host, namespace, at);
  return host === undefined
    ? undefined
    : { namespace: namespace === '.' ? at.context.object.namespace : namespace, host };
});

/** Names that clients may well ask for, and that Istio refuses in a Gateway. */
function warnOfHost(host: string, namespace: string, at: At): void {
  const flaw = namespace.includes('_')
    ? `no namespace has an "_" in its name`
    : host !== '*' && !host.includes('.')
      ? 'it wants a name with a dot in it, or an IPv4 address'
      : undefined;
  if (flaw !== undefined)
    at.report({ severity: 'warning', message: `Istio refuses "${String(at.value)}": ${flaw}. It is served here.` });
}

const serverFields = record({
  port: required(serverPort, 'write port: with number, name and protocol'),
  name: orEmpty(plainText),
  hosts: required(listOf(serverHost, { min: 1 }), 'name at least one host, or "*"'),
  tls: tlsFields,
});

type ServerFields = NonNullable<ReturnType<typeof serverFields>>;
type Unserved = GatewaySpec['unserved'][number];
type ReadServer = { readonly served: GatewayServer } | { readonly unserved: Unserved };

const server: Reader<ReadServer> = refine(serverFields, (fields, at) => {
  const { port: where, hosts = [] } = fields;
  if (where?.number === undefined || where.name === undefined || where.protocol === undefined) return undefined;
  const base = { index: Number(at.key), hosts, ...defined({ name: fields.name }) };
  switch (where.protocol) {
    case 'HTTP':
    case 'HTTP2':
    case 'GRPC':
    case 'GRPC-WEB': {
      checkPlainTls(fields, at);
      warnProtocol(where.protocol, at);
      const httpsRedirect = fields.tls?.httpsRedirect ?? false;
      return { served: { ...base, port: { number: where.number, name: where.name, protocol: 'HTTP' }, httpsRedirect } };
    }
    case 'HTTPS':
    case 'TLS': {
      const tls = terminated(fields.tls, where.protocol, at);
      if (tls === undefined) return undefined;
      if (tls === 'unserved') return { unserved: { index: base.index, hosts, ...clientCa(at) } };
      return {
        served: {
          ...base,
          port: { number: where.number, name: where.name, protocol: 'HTTPS' },
          httpsRedirect: false,
          tls,
        },
      };
    }
    default:
      reportUnserved(at, ['port', 'protocol'], `Protocol ${where.protocol}`);
      return { unserved: { index: base.index, hosts } };
  }
});

function clientCa(at: At): Pick<Unserved, 'clientCa'> {
  return defined({ clientCa: clientCaOf(at.child('tls', writtenIn(at)['tls'])) });
}

/** On a plain port, `tls` can only ask for the redirect; what would make it a port of TLS is refused. */
function checkPlainTls(fields: ServerFields, at: At): void {
  const others = Object.keys(fields.tls ?? {}).filter((name) => name !== 'httpsRedirect');
  const mode = fields.tls?.mode ?? 'PASSTHROUGH';
  const written = writtenIn(at.child('tls', writtenIn(at)['tls']));
  const isMeant = !mode.endsWith('PASSTHROUGH') || CERTIFICATES.some((name) => isThere(written, name));
  if (others.length + Number(isMeant) > 0)
    at.child('tls', undefined).reportKey({
      ...(!isMeant && { severity: 'warning' as const, code: 'MG0205' as const }),
      message: `On a plain HTTP port tls may hold httpsRedirect only${others.length > 0 ? `, not ${others.join(', ')}` : ''}: use protocol HTTPS, or remove it.`,
    });
}

/** Secrets that a plain port has no use for. */
const CERTIFICATES = ['serverCertificate', 'privateKey', 'caCertificates', 'credentialName', 'credentialNames'];

function warnProtocol(protocol: Protocol, at: At): void {
  if (protocol === 'HTTP' || protocol === 'GRPC-WEB') return;
  at.context.report([...at.path, 'port', 'protocol'], {
    severity: 'warning',
    code: 'MG0205',
    message: `${protocol} without TLS is served as HTTP/1.1: clients that start with HTTP/2 are refused.`,
  });
}

function terminated(
  tls: TlsFields | undefined,
  protocol: Protocol,
  at: At,
): ReturnType<typeof toGatewayTls> | 'unserved' {
  if (tls === undefined)
    return isSet(at, 'tls')
      ? undefined
      : at.reportKey({ message: `Protocol ${protocol} needs tls: with mode: SIMPLE and a credentialName.` });
  if (tls.mode === undefined && isSet(at, 'tls', 'mode')) return undefined;
  const place = at.child('tls', writtenIn(at)['tls']);
  checkTlsTogether(tls, place);
  if (tls.mode !== 'SIMPLE') {
    const what = tls.mode === undefined ? 'TLS without a mode (which means PASSTHROUGH)' : `TLS mode ${tls.mode}`;
    reportUnserved(at, tls.mode === undefined ? ['tls'] : ['tls', 'mode'], what);
    return 'unserved';
  }
  if (protocol === 'TLS')
    at.context.report([...at.path, 'port', 'protocol'], {
      severity: 'warning',
      code: 'MG0205',
      message: 'Protocol TLS with mode SIMPLE is served as HTTPS, by the http rules of VirtualServices.',
    });
  return toGatewayTls(tls, place);
}

function isSet(at: At, ...path: readonly string[]): boolean {
  let value = at.value;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return false;
    value = (value as Record<string, unknown>)[step];
  }
  return value !== undefined && value !== null;
}

function reportUnserved(at: At, field: readonly string[], what: string): void {
  at.context.report([...at.path, ...field], {
    code: 'MG0204',
    message: `${what} is not served yet: this server takes no traffic, the Gateway's others do. Use protocol HTTP, or HTTPS with tls mode SIMPLE.`,
  });
}

const fields = record({
  selector: labels,
  servers: required(listOf(server, { min: 1 }), 'write at least one server'),
});

/** `spec` of a Gateway. */
export const readGateway: Reader<GatewaySpec> = refine(fields, (spec, at) => {
  const servers = (spec.servers ?? []).flatMap((entry) => ('served' in entry ? [entry.served] : []));
  checkPortNames(servers, at);
  const { name } = at.context.object;
  if (name.includes('.') || name.length > 63)
    at.context.report(['metadata', 'name'], {
      severity: 'warning',
      message: "Istio refuses a Gateway's name with a dot in it, or longer than 63; it is served here.",
    });
  return {
    servers,
    unserved: (spec.servers ?? []).flatMap((entry) => ('unserved' in entry ? [entry.unserved] : [])),
    // An empty selector, like none, selects every gateway.
    ...defined({ selector: spec.selector && Object.keys(spec.selector).length > 0 ? spec.selector : undefined }),
  };
});

function checkPortNames(servers: readonly GatewayServer[], at: At): void {
  const seen = new Set<string>();
  for (const { port: where, index } of servers) {
    if (seen.has(where.name))
      at.context.report([...at.path, 'servers', index, 'port', 'name'], {
        message: `Another server of this Gateway has the port name "${where.name}": each needs its own.`,
      });
    seen.add(where.name);
  }
}
