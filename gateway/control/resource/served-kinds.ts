import { configMapFields, toConfigMap } from './core/config-map.ts';
import { endpointSliceFields, endpointsFields, toEndpointSlice, toEndpoints } from './core/read-endpoints.ts';
import { nodeFields, toNode } from './core/read-node.ts';
import { podFields, toPod } from './core/read-pod.ts';
import { secretFields, toSecret } from './core/read-secret.ts';
import { readService } from './core/read-service.ts';
import { readHttpRoute, readKubernetesGateway } from './gateway-api/read-routes.ts';
import { readIngress } from './ingress/read-ingress.ts';
import {
  readAuthorizationPolicy,
  readPeerAuthentication,
  readRequestAuthentication,
} from './istio/read-authorization.ts';
import { readDestinationRule } from './istio/read-destination-rule.ts';
import { readEnvoyFilter, readTelemetry, readTrafficExtension, readWasmPlugin } from './istio/read-extensions.ts';
import { readGateway } from './istio/read-gateway.ts';
import { readServiceEntry } from './istio/read-service-entry.ts';
import { readVirtualService } from './istio/read-virtual-service.ts';
import { readWorkloadEntry } from './istio/read-workload-entry.ts';
import { type Metadata, metadata } from './metadata.ts';
import type { At } from './reader/at.ts';
import { ignored, type Reader, refine, required } from './reader/reader.ts';
import { type RecordValue, record, type Shape } from './reader/record.ts';
import type { ResourceKind, ResourceSpecs } from './resource.ts';

export type ServedKind = ResourceKind;

/** What one kind's whole object gives: its metadata and its spec. */
export type ReadBody<K extends ServedKind> = { readonly metadata: Metadata; readonly spec: ResourceSpecs[K] };

/** Fields that every object has. `apiVersion` and `kind` have led us here already. */
const common = { apiVersion: ignored, kind: ignored, metadata: required(metadata, 'write metadata: with a name') };

/** An object whose content is its `spec`; `status` is the cluster's own word on it. */
function withSpec<T>(read: Reader<T>): Reader<{ readonly metadata: Metadata; readonly spec: T }> {
  const fields = record({ ...common, spec: required(read, 'write the spec'), status: ignored });
  return refine(fields, (value) =>
    value.metadata === undefined || value.spec === undefined
      ? undefined
      : // `required` took `undefined` out of T at run time, which the type of a generic T cannot show.
        { metadata: value.metadata, spec: value.spec as T },
  );
}

/** The same where a missing `spec` has a meaning of its own, and where a faulty one is read as far as it goes. */
function withAnySpec<T>(read: Reader<T>): Reader<{ readonly metadata: Metadata; readonly spec: T }> {
  const fields = record({ ...common, spec: (at) => at, status: ignored });
  return (at) => {
    const value = fields(at);
    const spec = read(value?.spec ?? at.child('spec', {}));
    if (value?.metadata === undefined || spec === undefined) return undefined;
    return { metadata: value.metadata, spec };
  };
}

/** An object whose content stands beside its metadata. */
function withFields<S extends Shape, T>(
  shape: S,
  toSpec: (value: RecordValue<S>, at: At, metadata: Metadata) => T,
): Reader<{ readonly metadata: Metadata; readonly spec: T }> {
  const fields = record<Shape>({ ...shape, ...common });
  return (at) => {
    // The shape is of both: what it reads is what either reads.
    const value = fields(at) as RecordValue<S> & RecordValue<typeof common>;
    const { metadata: meta } = value ?? {};
    if (meta === undefined) return undefined;
    return { metadata: meta, spec: toSpec(value, at, meta) };
  };
}

/** How each served kind is read, from the whole object. */
export const bodies: { readonly [K in ServedKind]: Reader<ReadBody<K>> } = {
  Gateway: withSpec(readGateway),
  VirtualService: withSpec(readVirtualService),
  DestinationRule: withSpec(readDestinationRule),
  ServiceEntry: withSpec(readServiceEntry),
  WorkloadEntry: withSpec(readWorkloadEntry),
  Service: withSpec(readService),
  Endpoints: withFields(endpointsFields, toEndpoints),
  EndpointSlice: withFields(endpointSliceFields, (value, at, meta) => toEndpointSlice(value, at, meta.labels ?? {})),
  Pod: withFields(podFields, (value, _at, meta) => toPod(value, meta)),
  Secret: withFields(secretFields, toSecret),
  ConfigMap: withFields(configMapFields, toConfigMap),
  Namespace: withFields({ spec: ignored, status: ignored }, () => null),
  Node: withFields(nodeFields, (value, _at, meta) => toNode(value, meta)),
  AuthorizationPolicy: withAnySpec(readAuthorizationPolicy),
  RequestAuthentication: withAnySpec(readRequestAuthentication),
  PeerAuthentication: withAnySpec(readPeerAuthentication),
  EnvoyFilter: withAnySpec(readEnvoyFilter),
  WasmPlugin: withAnySpec(readWasmPlugin),
  TrafficExtension: withAnySpec(readTrafficExtension),
  Telemetry: withAnySpec(readTelemetry),
  HTTPRoute: withAnySpec(readHttpRoute),
  KubernetesGateway: withSpec(readKubernetesGateway),
  Ingress: withAnySpec(readIngress),
};
