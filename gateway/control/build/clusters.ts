import type { Cluster, Endpoint } from '../../snapshot/cluster.ts';
import { compareText } from '../resource/age.ts';
import type { CatalogReader } from '../resource/catalog/catalog.ts';
import { findDestinationRule } from '../resource/catalog/destination-rules.ts';
import { carries } from '../resource/catalog/select.ts';
import { type Backend, findBackend } from '../resource/catalog/services.ts';
import { DEFAULT_ROOT_NAMESPACE } from '../resource/policies/root-namespace.ts';
import type { GatewayIdentity } from './build-input.ts';
import { type Nearness, nearnessOf } from './nearness.ts';
import { preferenceOf } from './preference.ts';
import { isDnsName, type Workload, workloadsOf } from './workloads.ts';

/** What a route asks for; the rest of a cluster follows from the objects behind it. */
export type ClusterRequest = {
  readonly key: string;
  readonly host: string;
  readonly port: number;
  readonly subset?: string;
  /** Namespace of the rule, for a host that nothing answers for. */
  readonly namespace: string;
};

/** Envoy's name of a cluster in Istio. */
export function clusterKey(host: string, port: number, subset: string | undefined): string {
  return `outbound|${port}|${subset ?? ''}|${host}`;
}

/** The cluster of a destination. An unknown host, port or subset gives a cluster without endpoints: 503, not a gap. */
export function buildCluster(request: ClusterRequest, gateway: GatewayIdentity, catalog: CatalogReader): Cluster {
  const { key, host, port, subset } = request;
  const backend = findBackend(host, catalog, gateway.namespace);
  const namespace = backend?.resource.namespace ?? request.namespace;
  const { rootNamespace: root = DEFAULT_ROOT_NAMESPACE } = gateway;
  const rule = findDestinationRule(
    host,
    { gateway: gateway.namespace, labels: gateway.labels, service: namespace, root },
    catalog,
  );
  const chosen = subset === undefined ? undefined : rule?.subsets.get(subset);
  const policy = chosen?.policy ?? rule?.policy ?? {};
  const workloads = backend === undefined ? [] : workloadsOf(backend, port, catalog, gateway.endpoints);
  const unknownSubset = subset !== undefined && chosen === undefined;
  const candidates = unknownSubset ? [] : best(workloads.filter((one) => carries(one.labels, chosen?.labels ?? {})));
  const preference = backend === undefined ? undefined : preferenceOf(policy, backend);
  const nearness = nearnessOf(candidates, preference, gateway, catalog);
  const endpoints = toEndpoints(candidates, nearness);
  return {
    key,
    host,
    port,
    ...(subset !== undefined && { subset }),
    namespace,
    serviceName: serviceName(backend, host),
    resolution: endpoints.some(({ address }) => isDnsName(address)) ? 'DNS' : 'STATIC',
    balancer: policy.balancer ?? 'LEAST_REQUEST',
    connectTimeoutMs: policy.connectTimeoutMs ?? gateway.connectTimeoutMs,
    endpoints,
    ...(nearness.shares !== undefined && { shares: nearness.shares }),
  };
}

/** Istio's destination_service_name: the Service's short name; a ServiceEntry's full host. */
function serviceName(backend: Backend | undefined, host: string): string {
  if (backend?.kind === 'service') return backend.resource.name;
  return backend?.kind === 'entry' ? host : (host.split('.', 1)[0] ?? host);
}

/** The last pod of a subset serves until the next one is ready, as kube-proxy lets it. */
function best(workloads: readonly Workload[]): readonly Workload[] {
  const ready = workloads.filter(({ draining }) => draining === undefined);
  return ready.length > 0 ? ready : workloads;
}

/** Sorted, and each address and port once: a machine may be in several EndpointSlices while they are rewritten. */
function toEndpoints(workloads: readonly Workload[], { priorities, localities }: Nearness): Endpoint[] {
  const endpoints = workloads.map(({ address, port, weight }, index): Endpoint => {
    const priority = priorities?.[index] ?? 0;
    const locality = localities?.[index];
    if (priority === 0 && locality === undefined) return { address, port, weight };
    return { address, port, weight, ...(priority > 0 && { priority }), ...(locality !== undefined && { locality }) };
  });
  // Of two that are alike the first stays: the order of equal ones is kept.
  endpoints.sort((a, b) => compareText(a.address, b.address) || a.port - b.port);
  return endpoints.filter(({ address, port }, index) => {
    const before = endpoints[index - 1];
    return before?.address !== address || before.port !== port;
  });
}
