import {
  type Slim,
  slimConfigMap,
  slimEndpointSlice,
  slimEndpoints,
  slimNamespace,
  slimNode,
  slimPod,
  slimSecret,
  slimService,
  slimWritten,
} from './slim.ts';

/** Where the addresses behind a Service are taken from. */
export type EndpointMode = 'pods' | 'clusterIP' | 'nodePort';

/** A kind that is watched wherever the cluster serves it. */
export type WatchedKind = {
  readonly kind: string;
  /** As the API server has it, where that is another kind's name here. */
  readonly written?: string;
  readonly group: string;
  /** The first of these that is served is watched. */
  readonly versions: readonly string[];
  readonly slim: Slim;
  /** Whether people are told when the cluster does not serve it. */
  readonly presence: 'needed' | 'optional';
  /** What is missing where this account may not read it: a sentence for people; absent: nothing goes well without it. */
  readonly without?: string;
  readonly scope: 'namespaced' | 'cluster';
  /** Only while the cluster does not serve this other kind. */
  readonly insteadOf?: WatchedKind;
  /** Only in namespaces that Gateways of ours take certificates or CAs from, and only what they name. */
  readonly named?: true;
};

const ISTIO_VERSIONS = ['v1', 'v1beta1', 'v1alpha3'];

const routing: readonly WatchedKind[] = [
  'Gateway',
  'VirtualService',
  'DestinationRule',
  'ServiceEntry',
  'WorkloadEntry',
].map((kind) => ({
  kind,
  group: 'networking.istio.io',
  versions: ISTIO_VERSIONS,
  slim: slimWritten,
  // Istio 1.0 has no WorkloadEntry.
  presence: kind === 'WorkloadEntry' ? 'optional' : 'needed',
  scope: 'namespaced',
}));

const ingress = truth('Ingress', 'networking.k8s.io', ['v1', 'v1beta1']);

/** Kinds that would change routing or security; they are watched to say so. */
const unserved: readonly WatchedKind[] = [
  truth('AuthorizationPolicy', 'security.istio.io', ['v1', 'v1beta1']),
  truth('RequestAuthentication', 'security.istio.io', ['v1', 'v1beta1']),
  truth('PeerAuthentication', 'security.istio.io', ['v1', 'v1beta1']),
  truth('EnvoyFilter', 'networking.istio.io', ['v1alpha3']),
  truth('WasmPlugin', 'extensions.istio.io', ['v1alpha1']),
  truth('TrafficExtension', 'extensions.istio.io', ['v1alpha1']),
  truth('Telemetry', 'telemetry.istio.io', ['v1', 'v1alpha1']),
  { ...truth('KubernetesGateway', 'gateway.networking.k8s.io', ['v1', 'v1beta1']), written: 'Gateway' },
  truth('HTTPRoute', 'gateway.networking.k8s.io', ['v1', 'v1beta1']),
  ingress,
  // Kubernetes before 1.14.
  { ...truth('Ingress', 'extensions', ['v1beta1']), insteadOf: ingress },
];

const service = core('Service', slimService);
const pod = core('Pod', slimPod);
const endpointSlice: WatchedKind = {
  kind: 'EndpointSlice',
  group: 'discovery.k8s.io',
  // Before v1 (Kubernetes 1.21) Endpoints that people write are not in slices.
  versions: ['v1'],
  slim: slimEndpointSlice,
  presence: 'optional',
  scope: 'namespaced',
};
const endpoints: WatchedKind = { ...core('Endpoints', slimEndpoints), insteadOf: endpointSlice };
const node: WatchedKind = { ...core('Node', slimNode), scope: 'cluster' };
const NO_PLACES = 'Only where endpoints are is not known: none is preferred for being near.';
const namespace: WatchedKind = { ...core('Namespace', slimNamespace), scope: 'cluster' };
const secret: WatchedKind = { ...core('Secret', slimSecret), named: true };

const configMap: WatchedKind = {
  ...core('ConfigMap', slimConfigMap),
  named: true,
  without: 'Only whether they hold a CA for the certificates of clients is not known.',
};

const behindServices: Readonly<Record<EndpointMode, readonly WatchedKind[]>> = {
  pods: [endpointSlice, endpoints, pod, { ...node, without: NO_PLACES }],
  clusterIP: [],
  // Slices tell which nodes have a pod of a Service with externalTrafficPolicy: Local.
  nodePort: [endpointSlice, endpoints, node],
};

/** Everything to watch, in the order in which people are told of it. */
export function watchedKinds(mode: EndpointMode): readonly WatchedKind[] {
  return [...routing, service, ...behindServices[mode], namespace, secret, configMap, ...unserved];
}

/** Where Istio before 1.6 kept who may do what; that they are there is told. */
export const OUTDATED_SECURITY: readonly string[] = ['authentication.istio.io', 'rbac.istio.io'];

/** The groups of all watched kinds. */
export function watchedGroups(kinds: readonly WatchedKind[]): string[] {
  return [...new Set([...kinds.map(({ group }) => group), ...OUTDATED_SECURITY])];
}

function core(kind: string, slim: Slim): WatchedKind {
  return { kind, group: '', versions: ['v1'], slim, presence: 'needed', scope: 'namespaced' };
}

function truth(kind: string, group: string, versions: readonly string[]): WatchedKind {
  return { kind, group, versions, slim: slimWritten, presence: 'optional', scope: 'namespaced' };
}
