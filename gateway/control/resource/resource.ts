// Promises: the typed, normalised form of every object that the gateway serves, whatever its API version was.
// Never: reads files, holds raw YAML, or holds a field that nobody uses. Secrets inside print as [redacted].
// Called by: build (to translate), the controller (to keep and compare), analyze (to cross-check).
import type { SourcePosition } from '../../snapshot/problem.ts';
import type { ConfigMapSpec } from './core/config-map.ts';
import type { EndpointSliceSpec, EndpointsSpec } from './core/endpoints.ts';
import type { NodeSpec } from './core/node.ts';
import type { PodSpec } from './core/pod.ts';
import type { SecretSpec } from './core/secret.ts';
import type { ServiceSpec } from './core/service.ts';
import type { HttpRouteSpec, KubernetesGatewaySpec } from './gateway-api/routes.ts';
import type { IngressSpec } from './ingress/ingress.ts';
import type { DestinationRuleSpec } from './istio/destination-rule.ts';
import type { GatewaySpec } from './istio/gateway.ts';
import type {
  AuthorizationPolicySpec,
  EnvoyFilterSpec,
  PeerAuthenticationSpec,
  RequestAuthenticationSpec,
  TelemetrySpec,
  WasmPluginSpec,
} from './istio/policies.ts';
import type { ServiceEntrySpec } from './istio/service-entry.ts';
import type { VirtualServiceSpec } from './istio/virtual-service.ts';
import type { WorkloadEntrySpec } from './istio/workload-entry.ts';

export type Labels = Readonly<Record<string, string>>;

/** Steps from the object's root: `['spec', 'http', 0, 'route', 1, 'weight']`. */
export type FieldPath = readonly (string | number)[];

/** Where an object was written. Positions of fields are worked out on demand: they cost nothing while nobody asks. */
export type Origin = {
  readonly file: string;
  /** Index of the YAML document in the file, counting non-empty documents from 0. */
  readonly document: number;
  /** Of the object's first line. */
  readonly position: SourcePosition;
  /** Of the key at `path` (`'key'`, the default) or of its value; the nearest parent's when there is no such field. */
  positionOf(path: FieldPath, part?: 'key' | 'value'): SourcePosition;
};

/** Spec of each kind that is read; a Namespace needs none. Those from AuthorizationPolicy on are read to say what is not enforced. */
export type ResourceSpecs = {
  readonly Gateway: GatewaySpec;
  readonly VirtualService: VirtualServiceSpec;
  readonly DestinationRule: DestinationRuleSpec;
  readonly ServiceEntry: ServiceEntrySpec;
  readonly WorkloadEntry: WorkloadEntrySpec;
  readonly Service: ServiceSpec;
  readonly Endpoints: EndpointsSpec;
  readonly EndpointSlice: EndpointSliceSpec;
  readonly Pod: PodSpec;
  readonly Secret: SecretSpec;
  readonly ConfigMap: ConfigMapSpec;
  readonly Namespace: null;
  readonly Node: NodeSpec;
  readonly AuthorizationPolicy: AuthorizationPolicySpec;
  readonly RequestAuthentication: RequestAuthenticationSpec;
  readonly PeerAuthentication: PeerAuthenticationSpec;
  readonly EnvoyFilter: EnvoyFilterSpec;
  readonly WasmPlugin: WasmPluginSpec;
  /** Of the same sense: Wasm or Lua in Envoy. */
  readonly TrafficExtension: WasmPluginSpec;
  readonly Telemetry: TelemetrySpec;
  readonly HTTPRoute: HttpRouteSpec;
  /** `Gateway` of gateway.networking.k8s.io, under the name that Istio's tools give it. */
  readonly KubernetesGateway: KubernetesGatewaySpec;
  readonly Ingress: IngressSpec;
};

export type ResourceKind = keyof ResourceSpecs;

/** One object of kind `K`. `namespace` is '' for the cluster-scoped kind Namespace. */
export type ResourceOf<K extends ResourceKind> = {
  readonly kind: K;
  readonly apiVersion: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** RFC 3339, as the API server writes it; rules of several VirtualServices on one host are joined in its order. */
  readonly creationTimestamp?: string;
  readonly spec: ResourceSpecs[K];
  readonly origin: Origin;
};

/** Any served object; switch on `kind`. */
export type Resource = { readonly [K in ResourceKind]: ResourceOf<K> }[ResourceKind];

export type GatewayResource = ResourceOf<'Gateway'>;
export type VirtualServiceResource = ResourceOf<'VirtualService'>;
export type DestinationRuleResource = ResourceOf<'DestinationRule'>;
export type ServiceEntryResource = ResourceOf<'ServiceEntry'>;
export type WorkloadEntryResource = ResourceOf<'WorkloadEntry'>;
export type ServiceResource = ResourceOf<'Service'>;
export type EndpointsResource = ResourceOf<'Endpoints'>;
export type EndpointSliceResource = ResourceOf<'EndpointSlice'>;
export type PodResource = ResourceOf<'Pod'>;
export type NodeResource = ResourceOf<'Node'>;
export type SecretResource = ResourceOf<'Secret'>;
export type ConfigMapResource = ResourceOf<'ConfigMap'>;
export type PeerAuthenticationResource = ResourceOf<'PeerAuthentication'>;
export type HttpRouteResource = ResourceOf<'HTTPRoute'>;
export type KubernetesGatewayResource = ResourceOf<'KubernetesGateway'>;
export type IngressResource = ResourceOf<'Ingress'>;

/** Kinds that may guard hosts and that this gateway does not enforce. */
export const POLICY_KINDS = [
  'AuthorizationPolicy',
  'RequestAuthentication',
  'EnvoyFilter',
  'WasmPlugin',
  'TrafficExtension',
] as const;
/** True for the key of an object of {@link POLICY_KINDS}: what such an object closes must not open for another one's fault. */
export function isPolicyKey(key: ResourceKey): boolean {
  return isPolicyKind(key.slice(0, key.indexOf('/')));
}
/** True for one of {@link POLICY_KINDS}. */
export function isPolicyKind(kind: string): boolean {
  return policyKinds.has(kind);
}
const policyKinds: ReadonlySet<string> = new Set(POLICY_KINDS);
/** An object of {@link POLICY_KINDS}. */
export type PolicyResource = Extract<Resource, { readonly kind: (typeof POLICY_KINDS)[number] }>;
/** Objects of Istio's that say by {@link PolicyTarget} whom they are for. */
export type TargetedResource = PolicyResource | ResourceOf<'Telemetry'>;

/** `VirtualService/default/myapp`: unique among the served kinds. */
export type ResourceKey = string;

/** The key under which an object is kept. */
export function resourceKey(object: {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}): ResourceKey {
  return `${object.kind}/${object.namespace}/${object.name}`;
}
