import { bodies, type ServedKind } from './served-kinds.ts';
import { suggestion } from './suggestion.ts';

/** What the gateway does with an object of some apiVersion and kind. */
export type KindVerdict =
  | { readonly verdict: 'served'; readonly kind: ServedKind }
  | { readonly verdict: 'inert' }
  /** It would change routing or security: never ignored in silence. */
  | { readonly verdict: 'unserved' }
  | { readonly verdict: 'unknown'; readonly severity: 'error' | 'warning'; readonly hint: string };

const ISTIO = 'networking.istio.io';
const ISTIO_VERSIONS = ['v1', 'v1beta1', 'v1alpha3'];

const SECURITY = { group: 'security.istio.io', versions: ['v1', 'v1beta1'] };
const GATEWAY_API = ['v1', 'v1beta1', 'v1alpha2'];

type Served = {
  readonly group: string;
  /** The newest first. */
  readonly versions: readonly string[];
  /** The kind as it is written, where it is not the name that it has here. */
  readonly written?: string;
};

/** Kinds that are read: every group in which they are met. */
const served: Readonly<Record<ServedKind, readonly [Served, ...(readonly Served[])]>> = {
  Gateway: [{ group: ISTIO, versions: ISTIO_VERSIONS }],
  VirtualService: [{ group: ISTIO, versions: ISTIO_VERSIONS }],
  DestinationRule: [{ group: ISTIO, versions: ISTIO_VERSIONS }],
  ServiceEntry: [{ group: ISTIO, versions: ISTIO_VERSIONS }],
  WorkloadEntry: [{ group: ISTIO, versions: ISTIO_VERSIONS }],
  Service: [{ group: '', versions: ['v1'] }],
  Endpoints: [{ group: '', versions: ['v1'] }],
  EndpointSlice: [{ group: 'discovery.k8s.io', versions: ['v1', 'v1beta1'] }],
  Pod: [{ group: '', versions: ['v1'] }],
  Secret: [{ group: '', versions: ['v1'] }],
  ConfigMap: [{ group: '', versions: ['v1'] }],
  Namespace: [{ group: '', versions: ['v1'] }],
  Node: [{ group: '', versions: ['v1'] }],
  AuthorizationPolicy: [SECURITY],
  RequestAuthentication: [SECURITY],
  PeerAuthentication: [SECURITY],
  EnvoyFilter: [{ group: ISTIO, versions: ['v1alpha3'] }],
  WasmPlugin: [{ group: 'extensions.istio.io', versions: ['v1alpha1'] }],
  TrafficExtension: [{ group: 'extensions.istio.io', versions: ['v1alpha1'] }],
  Telemetry: [{ group: 'telemetry.istio.io', versions: ['v1', 'v1alpha1'] }],
  HTTPRoute: [{ group: 'gateway.networking.k8s.io', versions: GATEWAY_API }],
  KubernetesGateway: [{ group: 'gateway.networking.k8s.io', versions: GATEWAY_API, written: 'Gateway' }],
  Ingress: [
    { group: 'networking.k8s.io', versions: ['v1', 'v1beta1'] },
    { group: 'extensions', versions: ['v1beta1'] },
  ],
};

/** Kinds that an edge does not need, by group; every version of them loads with an info line. */
const inert: Readonly<Record<string, readonly string[]>> = {
  '': words(
    'ServiceAccount PersistentVolume PersistentVolumeClaim ReplicationController ResourceQuota LimitRange',
    'Event PodTemplate ComponentStatus Binding',
  ),
  apps: words('Deployment ReplicaSet DaemonSet StatefulSet ControllerRevision'),
  extensions: words('Deployment ReplicaSet DaemonSet NetworkPolicy PodSecurityPolicy'),
  batch: words('Job CronJob'),
  autoscaling: words('HorizontalPodAutoscaler'),
  policy: words('PodDisruptionBudget PodSecurityPolicy'),
  'rbac.authorization.k8s.io': words('Role RoleBinding ClusterRole ClusterRoleBinding'),
  'networking.k8s.io': words('NetworkPolicy IngressClass IPAddress ServiceCIDR'),
  'scheduling.k8s.io': words('PriorityClass'),
  'storage.k8s.io': words('StorageClass CSIDriver CSINode VolumeAttachment CSIStorageCapacity'),
  'coordination.k8s.io': words('Lease'),
  'apiextensions.k8s.io': words('CustomResourceDefinition'),
  'apiregistration.k8s.io': words('APIService'),
  'admissionregistration.k8s.io': words('MutatingWebhookConfiguration ValidatingWebhookConfiguration'),
  'events.k8s.io': words('Event'),
  'node.k8s.io': words('RuntimeClass'),
  'networking.istio.io': words('WorkloadGroup'),
  'cert-manager.io': words('Certificate CertificateRequest Issuer ClusterIssuer'),
  'monitoring.coreos.com': words('ServiceMonitor PodMonitor PrometheusRule'),
  'kustomize.config.k8s.io': words('Kustomization'),
};

/** Kinds that would change routing or security and are not served yet, by group. */
const unserved: Readonly<Record<string, readonly string[]>> = {
  'gateway.networking.k8s.io': words(
    'GatewayClass GRPCRoute TLSRoute TCPRoute UDPRoute ReferenceGrant BackendTLSPolicy BackendLBPolicy ListenerSet',
  ),
  'networking.istio.io': words('Sidecar ProxyConfig'),
};

/** Groups whose kinds always say something about traffic or about who may do what. */
const WEIGHTY = /(?:^|\.)(?:istio\.io|networking\.k8s\.io|networking\.x-k8s\.io)$|^policy\.networking/;

function words(...lines: readonly string[]): readonly string[] {
  return lines.join(' ').split(' ');
}

/** Looks an object's kind up. */
export function kindVerdict(apiVersion: string, kind: string): KindVerdict {
  const slash = apiVersion.indexOf('/');
  const group = slash === -1 ? '' : apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  const found = readAs(group, kind);
  if (found?.versions.includes(version)) return { verdict: 'served', kind: found.kind };
  if (inert[group]?.includes(kind)) return { verdict: 'inert' };
  if (unserved[group]?.includes(kind)) return { verdict: 'unserved' };
  const severity = found !== undefined || isServedKind(kind) || WEIGHTY.test(group) ? 'error' : 'warning';
  return { verdict: 'unknown', severity, hint: hintFor(group, kind) };
}

/** Group and written kind -> the kind here. */
const readable = new Map(
  Object.entries(served).flatMap(([kind, places]) =>
    places.map(({ group, versions, written = kind }) => [
      `${group}/${written}`,
      // The keys of `served` are the served kinds.
      { kind: kind as ServedKind, versions },
    ]),
  ),
);

function readAs(group: string, kind: string) {
  return readable.get(`${group}/${kind}`);
}

function isServedKind(kind: string): kind is ServedKind {
  return Object.hasOwn(bodies, kind);
}

function hintFor(group: string, kind: string): string {
  const known = readAs(group, kind)?.kind ?? kind;
  if (isServedKind(known)) {
    const names = served[known].flatMap((place) =>
      place.versions.map((version) => (place.group === '' ? version : `${place.group}/${version}`)),
    );
    return ` A ${kind} is read with apiVersion ${names.join(', ')}.`;
  }
  const beside = Object.entries(served).flatMap(([name, places]) =>
    places.filter((place) => place.group === group).map(({ written = name }) => written),
  );
  return suggestion(kind, [...beside, ...(inert[group] ?? []), ...(unserved[group] ?? [])]);
}
