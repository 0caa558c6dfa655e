import { defined } from '../defined.ts';
import { ipAddress } from '../istio/host-values.ts';
import type { At } from '../reader/at.ts';
import { listOf, mapOf } from '../reader/collections.ts';
import { ignored, ignoredFields, type Reader, refine, required } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { boolean, oneOf, plainText, port, text } from '../reader/scalars.ts';
import type { EndpointHints, EndpointPort, EndpointSliceSpec, EndpointsSpec, PodRef } from './endpoints.ts';
import { ZONE_LABELS } from './locality.ts';

/** `targetRef`, when it names a Pod. */
const podRef: Reader<PodRef> = refine(
  record({
    kind: text,
    name: text,
    namespace: text,
    ...ignoredFields('uid', 'apiVersion', 'resourceVersion', 'fieldPath'),
  }),
  (value, at) => {
    if (value.kind !== 'Pod' || value.name === undefined) return undefined;
    return { namespace: value.namespace ?? at.context.object.namespace, name: value.name };
  },
);

const address = refine(
  record({
    ip: required(ipAddress, 'write the IP address'),
    targetRef: podRef,
    nodeName: text,
    hostname: ignored,
  }),
  (value) =>
    value.ip === undefined
      ? undefined
      : { ip: value.ip, ...defined({ pod: value.targetRef, node: nameOf(value.nodeName) }) },
);

const endpointPort: Reader<EndpointPort> = refine(
  record({ port: required(port, 'write the port, as port: 8080'), name: text, protocol: text, appProtocol: ignored }),
  (value) => {
    if (value.port === undefined || (value.protocol ?? 'TCP') !== 'TCP') return undefined;
    return { port: value.port, ...defined({ name: value.name === '' ? undefined : value.name }) };
  },
);

const subset = refine(
  record({ addresses: listOf(address), notReadyAddresses: ignored, ports: listOf(endpointPort) }),
  (value) => ({ addresses: value.addresses ?? [], ports: value.ports ?? [] }),
);

/** The body of an Endpoints object (it has no `spec`). */
export const endpointsFields = { subsets: listOf(subset) };

/** Puts what {@link endpointsFields} read together. */
export function toEndpoints(value: { readonly subsets?: EndpointsSpec['subsets'] }): EndpointsSpec {
  return { subsets: value.subsets ?? [] };
}

/** Absent conditions mean "unknown", which Kubernetes says to read as ready. */
const conditions = record({ ready: boolean, serving: boolean, terminating: boolean });

const names: Reader<readonly string[] | undefined> = refine(listOf(record({ name: text })), (value) => {
  const found = value.flatMap(({ name }) => nameOf(name) ?? []);
  return found.length === 0 ? undefined : found;
});

const hints: Reader<EndpointHints> = refine(record({ forZones: names, forNodes: names }), ({ forZones, forNodes }) =>
  forZones === undefined && forNodes === undefined ? undefined : defined({ zones: forZones, nodes: forNodes }),
);

/** Labels of the Node, as slices had them before v1. */
const topology = mapOf(text);

const sliceEndpoint = refine(
  record({
    addresses: required(listOf(plainText, { min: 1 }), 'write at least one address'),
    conditions,
    targetRef: podRef,
    nodeName: text,
    zone: text,
    hints,
    topology,
    ...ignoredFields('hostname', 'deprecatedTopology'),
  }),
  (value) => ({
    addresses: value.addresses ?? [],
    ready: value.conditions?.ready ?? true,
    ...(isDraining(value.conditions) && { draining: true as const }),
    ...defined({
      pod: value.targetRef,
      node: nameOf(value.nodeName) ?? nameOf(value.topology?.['kubernetes.io/hostname']),
      zone: nameOf(value.zone) ?? ZONE_LABELS.map((label) => nameOf(value.topology?.[label])).find(Boolean),
      hints: value.hints,
    }),
  }),
);

function nameOf(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function isDraining(value: ReturnType<typeof conditions>): boolean {
  return value?.ready === false && value.serving === true && value.terminating === true;
}

/** The body of an EndpointSlice (it has no `spec`). */
export const endpointSliceFields = {
  addressType: required(oneOf({ IPv4: 'IPv4', IPv6: 'IPv6', FQDN: 'FQDN' } as const), 'write addressType: IPv4'),
  endpoints: listOf(sliceEndpoint),
  ports: listOf(endpointPort),
};

type SliceValue = {
  readonly addressType?: EndpointSliceSpec['addressType'];
  readonly endpoints?: EndpointSliceSpec['endpoints'];
  readonly ports?: EndpointSliceSpec['ports'];
};

/** Puts what {@link endpointSliceFields} read together; the Service's name is a label. */
export function toEndpointSlice(
  value: SliceValue,
  at: At,
  labels: Readonly<Record<string, string>>,
): EndpointSliceSpec {
  const service = labels['kubernetes.io/service-name'];
  if (service === undefined)
    at.reportKey({
      severity: 'warning',
      message:
        'The label kubernetes.io/service-name is missing: no Service uses this slice. Add it under metadata.labels.',
    });
  const addressType = value.addressType ?? 'IPv4';
  if (addressType !== 'FQDN') checkAddresses(value.endpoints ?? [], at);
  return { addressType, endpoints: value.endpoints ?? [], ports: value.ports ?? [], ...defined({ service }) };
}

function checkAddresses(endpoints: EndpointSliceSpec['endpoints'], at: At): void {
  for (const [index, { addresses }] of endpoints.entries())
    for (const [position, value] of addresses.entries())
      ipAddress(
        at.child('endpoints', undefined).child(index, undefined).child('addresses', undefined).child(position, value),
      );
}
