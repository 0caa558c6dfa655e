// Promises: what a ServiceEntry's way to its addresses asks of its other fields, as Istio asks it.
// Never: resolves a name.
// Called by: the reader of a ServiceEntry, once its fields are read.
import type { At } from '../reader/at.ts';
import { hasEntries, inert, writtenIn } from '../reader/together.ts';
import type { ServiceEntrySpec } from './service-entry.ts';

const OF_HTTP = /^(?:HTTP|HTTP2|HTTP_PROXY|GRPC|GRPC-WEB)$/;
const OF_TLS = /^(?:HTTPS|TLS)$/;
const DYNAMIC = /^(?:HTTP|HTTP2|GRPC|TLS)$/;

/** Looks at the fields together; `at` is the spec. */
export function checkResolution(spec: ServiceEntrySpec, at: At): void {
  const { resolution: written = 'NONE' } = writtenIn(at);
  checkEndpointPorts(spec, at);
  checkAddresses(spec, at, String(written));
  if (written === 'NONE') checkNone(spec, at);
  if (written === 'DYNAMIC_DNS') checkDynamic(spec, at);
  if (written === 'DNS_ROUND_ROBIN' && spec.endpoints.length > 1)
    warn(at, 'endpoints', 'DNS_ROUND_ROBIN takes one endpoint at most in Istio: use DNS for several.');
  if (written !== 'NONE' && written !== 'STATIC') checkNetworks(at);
  if (written !== 'NONE') checkHosts(spec, at);
}

function report(at: At, field: string, message: string): void {
  at.child(field, undefined).reportKey({ message });
}

function warn(at: At, field: string, message: string): void {
  at.child(field, undefined).reportKey({ severity: 'warning', message });
}

function checkNone({ endpoints, workloadSelector }: ServiceEntrySpec, at: At): void {
  if (endpoints.length > 0)
    report(at, 'endpoints', 'Endpoints count with resolution STATIC or DNS only: write one, or remove them.');
  if (workloadSelector !== undefined)
    warn(at, 'workloadSelector', 'A workloadSelector counts with resolution STATIC only: write that.');
}

function checkDynamic({ hosts, ports, endpoints }: ServiceEntrySpec, at: At): void {
  if (hosts.some((host) => !host.startsWith('*')))
    report(at, 'hosts', 'DYNAMIC_DNS is for wildcards, as *.example.com: use DNS for a host.');
  if (endpoints.length > 0) report(at, 'endpoints', 'DYNAMIC_DNS has no endpoints: remove them.');
  if (hasEntries(writtenIn(at)['addresses'])) report(at, 'addresses', 'DYNAMIC_DNS has no addresses: remove them.');
  if (ports.some(({ protocol }) => !DYNAMIC.test(protocol)))
    report(at, 'ports', 'DYNAMIC_DNS is for ports of HTTP, HTTP2, GRPC or TLS.');
}

function checkNetworks(at: At): void {
  const { addresses } = writtenIn(at);
  if (Array.isArray(addresses) && addresses.some((one) => typeof one === 'string' && one.includes('/')))
    at.child('addresses', undefined).reportKey({
      ...inert(at),
      message: 'A network, as 10.0.0.0/8, counts with resolution NONE or STATIC only.',
    });
}

/** Hosts of one port are told apart by HTTP and TLS only. */
function checkHosts({ hosts, ports }: ServiceEntrySpec, at: At): void {
  if (hosts.length > 1 && ports.some(({ protocol }) => !OF_HTTP.test(protocol) && !OF_TLS.test(protocol)))
    warn(
      at,
      'hosts',
      'Istio refuses several hosts with a port that is neither HTTP nor TLS: nothing tells them apart there.',
    );
}

/** An endpoint without an address: of a DNS entry, whose host is looked up in its stead, or of another network. */
function checkAddresses({ endpoints }: ServiceEntrySpec, at: At, resolution: string): void {
  const written = writtenIn(at)['endpoints'];
  for (const [index, { address }] of endpoints.entries()) {
    const fields = Object(Array.isArray(written) ? written[index] : undefined) as Readonly<Record<string, unknown>>;
    if (address !== undefined || (fields['address'] !== undefined && fields['address'] !== '')) continue;
    const isLookedUp = resolution.startsWith('DNS');
    const isElsewhere = typeof fields['network'] === 'string' && fields['network'] !== '';
    at.context.report([...at.path, 'endpoints', index, 'address'], {
      severity: isLookedUp || isElsewhere ? 'warning' : 'error',
      message: isLookedUp
        ? "No address: the entry's host is looked up. Istio refuses such an endpoint."
        : 'No address: this endpoint takes no traffic. Write its IP address.',
    });
  }
}

function checkEndpointPorts({ ports, endpoints }: ServiceEntrySpec, at: At): void {
  const known = new Set(ports.map(({ name }) => name));
  for (const [index, endpoint] of endpoints.entries())
    for (const name of Object.keys(endpoint.ports))
      if (!known.has(name))
        at.context.report([...at.path, 'endpoints', index, 'ports', name], {
          message: `No port of this entry is named "${name}": it has ${[...known].join(', ') || 'none'}.`,
        });
}
