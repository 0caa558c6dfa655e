import { isIP } from 'node:net';
import { defined } from '../defined.ts';
import type { At } from '../reader/at.ts';
import { labels, listOf } from '../reader/collections.ts';
import { type Reader, refine, required } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { oneOf, orEmpty, plainText, port } from '../reader/scalars.ts';
import { writtenIn } from '../reader/together.ts';
import { checkResolution } from './check-resolution.ts';
import { exportTo, hostPattern, orEverybody } from './host-values.ts';
import { portName, readEndpoint } from './read-workload-entry.ts';
import type { ServiceEntryPort, ServiceEntrySpec } from './service-entry.ts';

const host: Reader<string> = refine(hostPattern, (value, at) => {
  if (value === '*') return at.report({ message: '"*" is not a host of a ServiceEntry: name the host, or *.suffix.' });
  if (isIP(value.replace(/^\[|\]$/g, '')) === 0) return value;
  at.report({ severity: 'warning', message: `Istio refuses an address as a host, as "${value}"; it is served here.` });
  return value;
});

const PROTOCOLS = /^(?:HTTP|HTTPS|HTTP2|HTTP_PROXY|GRPC|GRPC-WEB|TCP|TLS|UDP|MONGO|REDIS|MYSQL)$/i;
const protocol: Reader<string> = refine(plainText, (value, at) =>
  PROTOCOLS.test(value)
    ? value.toUpperCase()
    : at.report({ message: `"${value}" is not a protocol: write HTTP, HTTPS, TLS, TCP...` }),
);

const servicePort: Reader<ServiceEntryPort> = refine(
  record({
    number: required(port, 'write the port, as number: 80'),
    name: required(portName, 'give the port a name, as name: http'),
    protocol: orEmpty(protocol),
    targetPort: port,
  }),
  (value) => {
    if (value.number === undefined || value.name === undefined) return undefined;
    const { number, name, protocol = 'TCP', targetPort } = value;
    return { number, name, protocol, ...defined({ targetPort }) };
  },
);

const RESOLUTIONS = {
  NONE: 'NONE',
  STATIC: 'STATIC',
  DNS: 'DNS',
  DNS_ROUND_ROBIN: 'DNS_ROUND_ROBIN',
  DYNAMIC_DNS: 'DYNAMIC_DNS',
} as const;

const resolution: Reader<ServiceEntrySpec['resolution']> = refine(oneOf(RESOLUTIONS), (value, at) => {
  if (value === 'STATIC' || value === 'DNS') return value;
  if (value === 'DNS_ROUND_ROBIN') {
    at.report({ severity: 'warning', code: 'MG0205', message: 'DNS_ROUND_ROBIN is read as DNS.' });
    return 'DNS';
  }
  at.report({
    severity: 'warning',
    code: 'MG0205',
    message: `Resolution ${value} leaves the address to the client; an edge has none to choose and answers 503. Use STATIC or DNS.`,
  });
  return 'NONE';
});

const fields = record({
  hosts: required(listOf(host, { min: 1, max: 256 }), 'name at least one host'),
  ports: listOf(servicePort),
  location: oneOf({ MESH_EXTERNAL: 'MESH_EXTERNAL', MESH_INTERNAL: 'MESH_INTERNAL' } as const),
  resolution,
  endpoints: listOf(readEndpoint),
  workloadSelector: record({ labels }),
  exportTo: exportTo({ nobody: 'ok' }),
});

/** `spec` of a ServiceEntry. */
export const readServiceEntry: Reader<ServiceEntrySpec> = refine(fields, (value, at) => {
  const spec: ServiceEntrySpec = {
    hosts: value.hosts ?? [],
    ports: value.ports ?? [],
    location: value.location ?? 'MESH_EXTERNAL',
    resolution: value.resolution ?? 'NONE',
    endpoints: value.endpoints ?? [],
    exportTo: orEverybody(value.exportTo),
    ...defined({ workloadSelector: value.workloadSelector && (value.workloadSelector.labels ?? {}) }),
  };
  checkPorts(spec, at);
  checkEndpoints(spec, at);
  checkResolution(spec, at);
  return spec;
});

function checkPorts(spec: ServiceEntrySpec, at: At): void {
  if (spec.ports.length === 0 && !isWritten(at, 'ports'))
    at.child('ports', undefined).reportKey({
      severity: 'warning',
      code: 'MG0209',
      message: 'No ports: no destination can name one. Write the ports of the service.',
    });
  const seen = new Set<string | number>();
  for (const [index, { number, name }] of spec.ports.entries())
    for (const [field, value] of [
      ['number', number],
      ['name', name],
    ] as const) {
      if (seen.has(value))
        at.context.report([...at.path, 'ports', index, field], {
          message: `Another port has this ${field}: each needs its own.`,
        });
      seen.add(value);
    }
}

function checkEndpoints(spec: ServiceEntrySpec, at: At): void {
  const selects = spec.workloadSelector !== undefined;
  checkSelector(spec, at);
  if (selects && Array.isArray(writtenIn(at)['endpoints']))
    at.child('workloadSelector', undefined).reportKey({
      // An empty list says nothing, though Istio refuses it here all the same.
      severity: spec.endpoints.length > 0 ? 'error' : 'warning',
      message: '"workloadSelector" and "endpoints" exclude each other: keep one.',
    });
  if (spec.resolution === 'STATIC' && !selects) checkStatic(spec, at);
  if (
    spec.resolution === 'DNS' &&
    spec.endpoints.length === 0 &&
    !selects &&
    spec.hosts.some((name) => name.startsWith('*'))
  )
    at.child('hosts', undefined).reportKey({
      message: 'A wildcard host cannot be looked up in DNS: add endpoints with names, or name the host.',
    });
}

function checkStatic(spec: ServiceEntrySpec, at: At): void {
  if (spec.endpoints.length === 0 && !isWritten(at, 'endpoints'))
    at.reportKey({
      code: 'MG0209',
      message: 'Resolution STATIC needs endpoints with addresses, or a workloadSelector.',
    });
  for (const [index, { address }] of spec.endpoints.entries())
    if (address !== undefined && isIP(address) === 0)
      at.context.report([...at.path, 'endpoints', index, 'address'], {
        message: `Resolution STATIC needs IP addresses; "${address}" is a name: use resolution DNS.`,
      });
}

/** A selector without labels is for all workloads of the namespace, which few mean. */
function checkSelector({ workloadSelector }: ServiceEntrySpec, at: At): void {
  if (workloadSelector !== undefined && Object.keys(workloadSelector).length === 0)
    at.child('workloadSelector', undefined).reportKey({
      severity: 'warning',
      message: 'A workloadSelector without labels: write the labels of the workloads that are meant.',
    });
}

function isWritten(at: At, field: string): boolean {
  if (typeof at.value !== 'object' || at.value === null) return false;
  const value = (at.value as Record<string, unknown>)[field];
  return Array.isArray(value) && value.length > 0;
}
