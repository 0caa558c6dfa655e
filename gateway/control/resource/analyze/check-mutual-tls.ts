import type { Problem } from '../../../snapshot/problem.ts';
import type { Backend } from '../catalog/services.ts';
import { mayBeStrict, type PeerAuthentications, strictFor } from '../policies/mutual-tls.ts';
import type { FieldPath, PeerAuthenticationResource, PodResource, VirtualServiceResource } from '../resource.ts';
import { problemAbout } from './finding.ts';
import type { ResourceIndex } from './resource-index.ts';

/** A destination, and the number of the service's port that it leads to; undefined when that cannot be told. */
type Destination = { readonly host: string; readonly port?: number };

/** Does a destination accept mutual TLS only, which this gateway does not speak to backends yet? */
export function checkMutualTls(
  service: VirtualServiceResource,
  path: FieldPath,
  destination: Destination,
  index: ResourceIndex,
): Problem[] {
  const backend = index.backend(destination.host);
  if (backend?.kind !== 'service') return [];
  const { namespace } = backend.resource;
  const policies = index.peerAuthentications(namespace);
  if (!mayBeStrict(policies)) return [];
  const strict = strictBehind(backend, destination.port, policies, index);
  if (strict === undefined) return [];
  const name = `${strict.namespace}/${strict.name}`;
  const message = `The workloads of ${destination.host} accept mutual TLS only (PeerAuthentication ${name} is STRICT), and this gateway does not speak it to backends yet: their sidecars reset its connections, and requests get 503. Set mtls.mode PERMISSIVE for these workloads, or DISABLE for this port under portLevelMtls.`;
  return [problemAbout(service, path, { severity: 'error', code: 'MG0407', message })];
}

/** Where Pods are known they tell, else what the Service selects by: such a Service's workloads may come later. */
function strictBehind(
  { resource }: Extract<Backend, { kind: 'service' }>,
  port: number | undefined,
  policies: PeerAuthentications,
  index: ResourceIndex,
): PeerAuthenticationResource | undefined {
  const { namespace, spec } = resource;
  const servicePort =
    spec.ports.find((one) => one.port === port) ?? (spec.ports.length === 1 ? spec.ports[0] : undefined);
  const target = servicePort?.targetPort;
  if (spec.selector === undefined) return undefined;
  const pods = index.pods(namespace, spec.selector);
  if (pods.length === 0) return strictFor({ labels: spec.selector, port: numberOf(target) }, policies);
  for (const pod of pods) {
    if (pod.spec.sidecar === false) continue;
    const strict = strictFor({ labels: pod.labels, port: numberOf(target) ?? namedPort(pod, target) }, policies);
    if (strict !== undefined) return strict;
  }
  return undefined;
}

function numberOf(target: number | string | undefined): number | undefined {
  return typeof target === 'number' ? target : undefined;
}

function namedPort({ spec }: PodResource, name: number | string | undefined): number | undefined {
  return spec.ports.find((one) => one.name === name)?.containerPort;
}
