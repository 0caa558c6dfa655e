import { isIP } from 'node:net';
import { type CatalogReader, workloadLabels } from '../resource/catalog/catalog.ts';
import { selectPods, selectWorkloadEntries } from '../resource/catalog/select.ts';
import type { Backend } from '../resource/catalog/services.ts';
import type { EndpointHints, EndpointPort, EndpointSliceSpec, PodRef } from '../resource/core/endpoints.ts';
import { type Locality, localityOfPod } from '../resource/core/locality.ts';
import type { ServicePort } from '../resource/core/service.ts';
import type { WorkloadEntrySpec } from '../resource/istio/workload-entry.ts';
import type {
  EndpointSliceResource,
  Labels,
  NodeResource,
  PodResource,
  ServiceEntryResource,
  ServiceResource,
} from '../resource/resource.ts';
import type { EndpointMode } from './build-input.ts';

/** One place behind a backend's port, with the labels that subsets look at. */
export type Workload = {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly labels: Labels;
  /** Only for want of a better one. */
  readonly draining?: true;
  /** Name of the Node that it runs on. */
  readonly node?: string;
  readonly zone?: string;
  /** What it says of its own place; absent: that of its Node. */
  readonly locality?: Locality;
  readonly hints?: EndpointHints;
};

/** Everything ready or draining behind a port of a backend, whatever its labels. */
export function workloadsOf(
  backend: Backend,
  port: number,
  catalog: CatalogReader,
  mode: EndpointMode = 'pods',
): readonly Workload[] {
  if (backend.kind === 'entry') return behindEntry(backend, port, catalog);
  // Every subset asks for the same.
  const { resource } = backend;
  return catalog.shared(resource, `${mode} behind ${port}`, (inner) => behindService(resource, port, inner, mode));
}

/** True when an address has to be looked up by name. */
export function isDnsName(address: string): boolean {
  return isIP(address) === 0;
}

function behindService(service: ServiceResource, port: number, catalog: CatalogReader, mode: EndpointMode): Workload[] {
  const servicePort = service.spec.ports.find((one) => one.protocol === 'TCP' && one.port === port);
  if (service.spec.type === 'ExternalName') return external(service, port);
  if (servicePort === undefined) return [];
  const own =
    mode === 'pods' ? inCluster(service, servicePort, catalog) : byKubeProxy(service, servicePort, catalog, mode);
  return [...own, ...outsideMachines(service, servicePort, catalog)];
}

/** The name is a CNAME, so ports are the external host's own. */
function external({ spec }: ServiceResource, port: number): Workload[] {
  return spec.externalName === undefined ? [] : [{ address: spec.externalName, port, weight: 1, labels: {} }];
}

/** Kube-proxy chooses the pod, so there are no labels for subsets to look at. */
function byKubeProxy(
  service: ServiceResource,
  servicePort: ServicePort,
  catalog: CatalogReader,
  mode: 'clusterIP' | 'nodePort',
): Workload[] {
  const { port, nodePort } = servicePort;
  const at = { weight: 1, labels: {} };
  if (mode === 'clusterIP')
    return service.spec.clusterIP === undefined ? [] : [{ ...at, address: service.spec.clusterIP, port }];
  if (nodePort === undefined) return [];
  return answeringNodes(service, servicePort, catalog).flatMap(({ node, isSpare }) =>
    node.spec.addresses
      .slice(0, 1)
      .map((address) => ({ ...at, address, port: nodePort, node: node.name, ...(isSpare && { draining: true }) })),
  );
}

type AnsweringNode = { readonly node: NodeResource; readonly isSpare: boolean };

/**
 * The nodes on which kube-proxy answers for a node port: all of them, or those with a pod of the Service. One that is not
 * ready is a spare: all are unready when only their word does not come through, and then any is better than none. Cordoned
 * nodes take no new pods and go on serving, as with Kubernetes' own load balancers.
 */
function answeringNodes(service: ServiceResource, port: ServicePort, catalog: CatalogReader): AnsweringNode[] {
  if (service.spec.externalTrafficLocal) return nodesWithPods(service, port, catalog);
  return catalog.nodes().flatMap((node) => (node.spec.leaving ? [] : [{ node, isSpare: !node.spec.ready }]));
}

/** A node that drains its last pod leads to it until then, as kube-proxy does. */
function nodesWithPods(service: ServiceResource, port: ServicePort, catalog: CatalogReader): AnsweringNode[] {
  const pods = inCluster(service, port, catalog);
  const names = new Set(pods.flatMap(({ node }) => node ?? []));
  const alive = new Set(pods.flatMap(({ node, draining }) => (draining || node === undefined ? [] : [node])));
  return [...names].flatMap((name) => {
    const node = catalog.node(name);
    return node === undefined || node.spec.leaving ? [] : [{ node, isSpare: !node.spec.ready || !alive.has(name) }];
  });
}

/** EndpointSlices are the truth where there are any, then Endpoints; Pods are asked only in a folder without both. */
function inCluster(service: ServiceResource, port: ServicePort, catalog: CatalogReader): Workload[] {
  const { namespace, name } = service;
  const slices = ofOneFamily(catalog.endpointSlices(namespace, name), service);
  if (slices.length > 0) return slices.flatMap(({ spec }) => behindSlice(spec, namespace, service, port, catalog));
  const endpoints = catalog.endpoints(namespace, name);
  if (endpoints !== undefined) {
    return endpoints.spec.subsets.flatMap(({ addresses, ports }) => {
      const target = targetPort(ports, service, port);
      if (target === undefined) return [];
      return addresses.map(({ ip, pod, node }) => atAddress(ip, target, { pod, node }, namespace, catalog));
    });
  }
  return selectPods(namespace, service.spec.selector, catalog).flatMap((pod) => podWorkload(pod, service, port));
}

/**
 * A dual-stack Service has each pod in slices of both families. Those of its own first family are taken: a pod counts once, by
 * an address of the kind that the Service has. Others only where there is nothing of that family.
 */
function ofOneFamily(
  slices: readonly EndpointSliceResource[],
  { spec }: ServiceResource,
): readonly EndpointSliceResource[] {
  const [first, second] = isIP(spec.clusterIP ?? '') === 6 ? ['IPv6', 'IPv4'] : ['IPv4', 'IPv6'];
  const hasFirst = slices.some(({ spec: { addressType, endpoints } }) => addressType === first && endpoints.length > 0);
  return hasFirst ? slices.filter(({ spec: { addressType } }) => addressType !== second) : slices;
}

function behindSlice(
  slice: EndpointSliceSpec,
  namespace: string,
  service: ServiceResource,
  port: ServicePort,
  catalog: CatalogReader,
): Workload[] {
  const target = targetPort(slice.ports, service, port);
  if (target === undefined) return [];
  const { publishNotReadyAddresses: all } = service.spec;
  return slice.endpoints.flatMap(({ addresses, ready, draining, ...place }) => {
    if (!ready && !all && !draining) return [];
    const state = ready || all ? {} : { draining: true as const };
    return addresses.map((ip) => ({ ...atAddress(ip, target, place, namespace, catalog), ...state }));
  });
}

/** Ports are matched by name; where both sides have a single port its name may differ or be missing. */
function targetPort(ports: readonly EndpointPort[], service: ServiceResource, port: ServicePort): number | undefined {
  const named = ports.find((one) => (one.name ?? '') === (port.name ?? ''));
  if (named !== undefined) return named.port;
  return ports.length === 1 && service.spec.ports.length === 1 ? ports[0]?.port : undefined;
}

/** The Pod that is referred to gives the labels, else one of the namespace with this address. */
function atAddress(
  address: string,
  port: number,
  { pod: ref, node, zone, hints }: Place,
  namespace: string,
  catalog: CatalogReader,
): Workload {
  const referred = ref && catalog.pod(ref.namespace, ref.name);
  const pod = referred ?? catalog.podsAt(address).find((one) => one.namespace === namespace);
  const labels = pod?.labels ?? {};
  return {
    address,
    port,
    weight: 1,
    labels,
    ...runsOn(node ?? pod?.spec.node, localityOfPod(labels)),
    ...(zone !== undefined && { zone }),
    ...(hints !== undefined && { hints }),
  };
}

type Place = {
  readonly pod?: PodRef | undefined;
  readonly node?: string | undefined;
  readonly zone?: string;
  readonly hints?: EndpointHints;
};

function atPod({ labels, spec }: PodResource, address: string, port: number): Workload {
  return { address, port, weight: 1, labels, ...runsOn(spec.node, localityOfPod(labels)) };
}

function runsOn(node: string | undefined, locality: Locality | undefined): Pick<Workload, 'node' | 'locality'> {
  return { ...(node !== undefined && { node }), ...(locality !== undefined && { locality }) };
}

function podWorkload(pod: PodResource, service: ServiceResource, port: ServicePort): Workload[] {
  const { podIP, ready, ports } = pod.spec;
  if (podIP === undefined || !(ready || service.spec.publishNotReadyAddresses)) return [];
  const { targetPort: target } = port;
  const number =
    typeof target === 'number'
      ? target
      : ports.find((one) => one.name === target && one.protocol === 'TCP')?.containerPort;
  return number === undefined ? [] : [atPod(pod, podIP, number)];
}

/** WorkloadEntries that the Service's selector picks: machines outside of the cluster. */
function outsideMachines(service: ServiceResource, port: ServicePort, catalog: CatalogReader): Workload[] {
  const fallback = typeof port.targetPort === 'number' ? port.targetPort : port.port;
  return selectWorkloadEntries(service.namespace, service.spec.selector, catalog).flatMap((entry) =>
    machine(entry.spec, { name: port.name ?? '', fallback, labels: workloadLabels(entry) }),
  );
}

function machine(
  spec: WorkloadEntrySpec,
  at: { readonly name: string; readonly fallback: number; readonly labels: Labels; readonly address?: string },
): Workload[] {
  const address = spec.address ?? at.address;
  if (address === undefined || spec.weight === 0) return [];
  const port = spec.ports[at.name] ?? at.fallback;
  const place = runsOn(undefined, spec.locality ?? localityOfPod(at.labels));
  return [{ address, port, weight: spec.weight, labels: at.labels, ...place }];
}

/** A DNS entry without endpoints is its own host's address. */
function behindEntry(backend: Backend & { kind: 'entry' }, port: number, catalog: CatalogReader): Workload[] {
  const { resource, host } = backend;
  const { spec } = resource;
  const entryPort = spec.ports.find((one) => one.number === port);
  if (entryPort === undefined || spec.resolution === 'NONE') return [];
  const at = { name: entryPort.name, fallback: entryPort.targetPort ?? entryPort.number };
  if (spec.workloadSelector !== undefined) return selectedByEntry(resource, at, catalog);
  if (spec.endpoints.length === 0 && spec.resolution === 'DNS') {
    return [{ address: host, port: at.fallback, weight: 1, labels: {} }];
  }
  const own = spec.resolution === 'DNS' ? { address: host } : {};
  return spec.endpoints.flatMap((endpoint) => machine(endpoint, { ...at, ...own, labels: endpoint.labels }));
}

function selectedByEntry(
  { namespace, spec }: ServiceEntryResource,
  at: { readonly name: string; readonly fallback: number },
  catalog: CatalogReader,
): Workload[] {
  const pods = selectPods(namespace, spec.workloadSelector, catalog).flatMap((pod) =>
    pod.spec.podIP !== undefined && pod.spec.ready ? [atPod(pod, pod.spec.podIP, at.fallback)] : [],
  );
  const machines = selectWorkloadEntries(namespace, spec.workloadSelector, catalog).flatMap((entry) =>
    machine(entry.spec, { ...at, labels: workloadLabels(entry) }),
  );
  return [...pods, ...machines];
}
