import { isIP } from 'node:net';
import { type CatalogReader, workloadLabels } from '../resource/catalog/catalog.ts';
import { selectPods, selectWorkloadEntries } from '../resource/catalog/select.ts';
import type { Backend } from '../resource/catalog/services.ts';
import type { EndpointPort, EndpointSliceSpec, PodRef } from '../resource/core/endpoints.ts';
import type { ServicePort } from '../resource/core/service.ts';
import type { WorkloadEntrySpec } from '../resource/istio/workload-entry.ts';
import type { Labels, PodResource, ServiceEntryResource, ServiceResource } from '../resource/resource.ts';
import type { EndpointMode } from './build-input.ts';

/** One place behind a backend's port, with the labels that subsets look at. */
export type Workload = {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly labels: Labels;
  /** Only for want of a better one. */
  readonly draining?: true;
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
  { spec }: ServiceResource,
  { port, nodePort }: ServicePort,
  catalog: CatalogReader,
  mode: 'clusterIP' | 'nodePort',
): Workload[] {
  const at = { weight: 1, labels: {} };
  if (mode === 'clusterIP') return spec.clusterIP === undefined ? [] : [{ ...at, address: spec.clusterIP, port }];
  if (nodePort === undefined) return [];
  const nodes = catalog.nodes().filter((node) => node.spec.ready);
  return nodes.flatMap((node) =>
    node.spec.addresses.slice(0, 1).map((address) => ({ ...at, address, port: nodePort })),
  );
}

/** EndpointSlices are the truth where there are any, then Endpoints; Pods are asked only in a folder without both. */
function inCluster(service: ServiceResource, port: ServicePort, catalog: CatalogReader): Workload[] {
  const { namespace, name } = service;
  const slices = catalog.endpointSlices(namespace, name);
  if (slices.length > 0) return slices.flatMap(({ spec }) => behindSlice(spec, namespace, service, port, catalog));
  const endpoints = catalog.endpoints(namespace, name);
  if (endpoints !== undefined) {
    return endpoints.spec.subsets.flatMap(({ addresses, ports }) => {
      const target = targetPort(ports, service, port);
      return target === undefined ? [] : addresses.map(({ ip, pod }) => atAddress(ip, target, pod, namespace, catalog));
    });
  }
  return selectPods(namespace, service.spec.selector, catalog).flatMap((pod) => podWorkload(pod, service, port));
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
  return slice.endpoints.flatMap(({ addresses, pod, ready, draining }) => {
    if (!ready && !all && !draining) return [];
    const state = ready || all ? {} : { draining: true as const };
    return addresses.map((ip) => ({ ...atAddress(ip, target, pod, namespace, catalog), ...state }));
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
  ref: PodRef | undefined,
  namespace: string,
  catalog: CatalogReader,
): Workload {
  const referred = ref && catalog.pod(ref.namespace, ref.name);
  const pod = referred ?? catalog.podsAt(address).find((one) => one.namespace === namespace);
  return { address, port, weight: 1, labels: pod?.labels ?? {} };
}

function podWorkload(pod: PodResource, service: ServiceResource, port: ServicePort): Workload[] {
  const { podIP, ready, ports } = pod.spec;
  if (podIP === undefined || !(ready || service.spec.publishNotReadyAddresses)) return [];
  const { targetPort: target } = port;
  const number =
    typeof target === 'number'
      ? target
      : ports.find((one) => one.name === target && one.protocol === 'TCP')?.containerPort;
  return number === undefined ? [] : [{ address: podIP, port: number, weight: 1, labels: pod.labels }];
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
  return [{ address, port: spec.ports[at.name] ?? at.fallback, weight: spec.weight, labels: at.labels }];
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
    pod.spec.podIP !== undefined && pod.spec.ready
      ? [{ address: pod.spec.podIP, port: at.fallback, weight: 1, labels: pod.labels }]
      : [],
  );
  const machines = selectWorkloadEntries(namespace, spec.workloadSelector, catalog).flatMap((entry) =>
    machine(entry.spec, { ...at, labels: workloadLabels(entry) }),
  );
  return [...pods, ...machines];
}
