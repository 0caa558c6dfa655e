import { isIP } from 'node:net';
import { hostWithin } from '../../host-names.ts';
import type { At } from '../../reader/at.ts';
import { labels, listOf } from '../../reader/collections.ts';
import { type Reader, refine, required } from '../../reader/reader.ts';
import { record } from '../../reader/record.ts';
import { integer, text } from '../../reader/scalars.ts';
import { hasEntries, inert, writtenIn } from '../../reader/together.ts';
import { hostPattern } from '../host-values.ts';
import { destinations } from '../read-destinations.ts';
import { gatewayNames } from '../read-match.ts';
import { namespace } from './route-fields.ts';

/** An address, or a network as `10.0.0.0/8`. */
export const subnet: Reader<string> = refine(text, (value, at) => {
  const [address = '', bits, ...rest] = value.split('/');
  const family = isIP(address);
  const most = family === 6 ? 128 : 32;
  const isGood = family !== 0 && rest.length === 0 && (bits === undefined || isPrefix(bits, most));
  return isGood ? value : at.report({ message: `"${value}" is neither an IP address nor a network, as 10.0.0.0/8.` });
});

function isPrefix(bits: string, most: number): boolean {
  return /^(?:0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= most;
}

const matchOfPorts = {
  destinationSubnets: listOf(subnet),
  gateways: gatewayNames,
  port: refine(integer({ min: 0, max: 65_535 }), (value) => (value === 0 ? undefined : value)),
  sourceLabels: labels,
  sourceNamespace: namespace,
};

/** A name of TLS; an address is none, and is told as Istio tells it. */
const sniHost: Reader<string> = refine(hostPattern, (host, at) => {
  if (isIP(host.replace(/^\[|\]$/g, '')) !== 0)
    at.report({ severity: 'warning', message: `"${host}" is an address: TLS clients send names only.` });
  return host;
});

const tlsMatch: Reader<unknown> = record({
  ...matchOfPorts,
  sniHosts: required(listOf(sniHost, { min: 1 }), 'name the hosts that clients ask for'),
});

/** `tls`. */
export const tlsRules: Reader<unknown> = listOf(
  record({
    match: required(listOf(tlsMatch, { min: 1 }), 'write a match with sniHosts'),
    route: required(destinations, 'write where the connections go'),
  }),
);

/** `tcp`. */
export const tcpRules: Reader<unknown> = listOf(
  record({
    match: listOf(record({ ...matchOfPorts, sourceSubnet: text })),
    route: required(destinations, 'write where the connections go'),
  }),
);

/** Reports names of TLS rules that are in no host of their VirtualService; `at` is its spec. */
export function checkSniHosts(at: At): void {
  const { hosts, tls } = writtenIn(at);
  if (!hasEntries(hosts) || !Array.isArray(tls)) return;
  const own = (hosts as readonly unknown[]).filter((host) => typeof host === 'string');
  for (const [name, place] of sniHostsOf(tls)) {
    if (own.some((host) => hostWithin(name.toLowerCase(), host.toLowerCase()))) continue;
    at.context.report(['spec', 'tls', ...place], {
      ...inert(at),
      message: `"${name}" lies in none of this object's hosts (${own.join(', ')}): add it there, or correct it.`,
    });
  }
}

function* sniHostsOf(rules: readonly unknown[]): Generator<[string, (string | number)[]]> {
  for (const [rule, value] of rules.entries())
    for (const [match, block] of listIn(value, 'match').entries())
      for (const [host, name] of listIn(block, 'sniHosts').entries())
        if (typeof name === 'string') yield [name, [rule, 'match', match, 'sniHosts', host]];
}

function listIn(value: unknown, name: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const list = (value as Readonly<Record<string, unknown>>)[name];
  return Array.isArray(list) ? list : [];
}
