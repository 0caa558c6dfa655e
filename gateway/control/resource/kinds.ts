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

/** Served kinds: group and versions. */
const served: Readonly<Record<ServedKind, { readonly group: string; readonly versions: readonly string[] }>> = {
  Gateway: { group: ISTIO, versions: ISTIO_VERSIONS },
  VirtualService: { group: ISTIO, versions: ISTIO_VERSIONS },
  DestinationRule: { group: ISTIO, versions: ISTIO_VERSIONS },
  ServiceEntry: { group: ISTIO, versions: ISTIO_VERSIONS },
  WorkloadEntry: { group: ISTIO, versions: ISTIO_VERSIONS },
  Service: { group: '', versions: ['v1'] },
  Endpoints: { group: '', versions: ['v1'] },
  EndpointSlice: { group: 'discovery.k8s.io', versions: ['v1', 'v1beta1'] },
  Pod: { group: '', versions: ['v1'] },
  Secret: { group: '', versions: ['v1'] },
  Namespace: { group: '', versions: ['v1'] },
};

/** Kinds that an edge does not need, by group; every version of them loads with an info line. */
const inert: Readonly<Record<string, readonly string[]>> = {
  '': words(
    'ConfigMap ServiceAccount PersistentVolume PersistentVolumeClaim ReplicationController ResourceQuota LimitRange',
    'Event Node PodTemplate ComponentStatus Binding',
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
    'Gateway GatewayClass HTTPRoute GRPCRoute TLSRoute TCPRoute UDPRoute ReferenceGrant BackendTLSPolicy',
    'BackendLBPolicy ListenerSet',
  ),
  'networking.k8s.io': words('Ingress'),
  extensions: words('Ingress'),
  'networking.istio.io': words('EnvoyFilter Sidecar ProxyConfig'),
  'security.istio.io': words('AuthorizationPolicy RequestAuthentication PeerAuthentication'),
  'extensions.istio.io': words('WasmPlugin TrafficExtension'),
  'telemetry.istio.io': words('Telemetry'),
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
  if (isServedKind(kind) && served[kind].group === group && served[kind].versions.includes(version))
    return { verdict: 'served', kind };
  if (inert[group]?.includes(kind)) return { verdict: 'inert' };
  if (unserved[group]?.includes(kind)) return { verdict: 'unserved' };
  const severity = isServedKind(kind) || WEIGHTY.test(group) ? 'error' : 'warning';
  return { verdict: 'unknown', severity, hint: hintFor(group, kind) };
}

function isServedKind(kind: string): kind is ServedKind {
  return Object.hasOwn(bodies, kind);
}

function hintFor(group: string, kind: string): string {
  if (isServedKind(kind)) {
    const { group: right, versions } = served[kind];
    const names = versions.map((version) => (right === '' ? version : `${right}/${version}`));
    return ` A ${kind} is served with apiVersion ${names.join(', ')}.`;
  }
  const beside = Object.entries(served).filter(([, entry]) => entry.group === group);
  return suggestion(kind, [...beside.map(([name]) => name), ...(inert[group] ?? []), ...(unserved[group] ?? [])]);
}
