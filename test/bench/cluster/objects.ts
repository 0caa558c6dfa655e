/**
 * The objects of a made-up cluster, the same for the same size every time: for each service two VirtualServices that
 * split it, a DestinationRule with two subsets, an EndpointSlice, and ten Pods behind it.
 */

/** An object as kubectl shows it. */
export type ClusterObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
};

export type ClusterSize = {
  readonly services: number;
  readonly podsPerService: number;
  readonly hostsPerService: 1 | 2;
  readonly namespaces: number;
};

/** A size with `services` services: twice as many VirtualServices, ten times as many endpoints. */
export function clusterOf(services: number): ClusterSize {
  return { services, podsPerService: 10, hostsPerService: 2, namespaces: Math.min(services, 20) };
}

/** As many VirtualServices as services, five times as many endpoints. */
export function wideClusterOf(services: number): ClusterSize {
  return { services, podsPerService: 5, hostsPerService: 1, namespaces: Math.min(services, 20) };
}

/** Where all made-up addresses lie, unless another address answers for all of them. */
export type Addresses = (service: number, pod: number) => { readonly address: string; readonly port: number };

/** Addresses of a Pod network that nobody answers on. */
export const podNetwork: Addresses = (service, pod) => {
  const number = service * 16 + pod;
  return { address: `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`, port: 8080 };
};

/** Every object, in an order in which nothing refers to what comes later. */
export function* clusterObjects(size: ClusterSize, addresses: Addresses = podNetwork): Generator<ClusterObject> {
  yield gateway();
  for (let service = 0; service < size.services; service++) {
    for (let pod = 0; pod < size.podsPerService; pod++) yield podOf(size, service, pod, addresses);
    yield serviceOf(size, service, addresses);
    yield sliceOf(size, service, { addresses });
    yield destinationRuleOf(size, service);
    for (const half of ['a', 'b'].slice(0, size.hostsPerService)) yield virtualServiceOf(size, service, half);
  }
}

/** A VirtualService that takes every name that no other has, to service 0. */
export function catchAllOf(size: ClusterSize): ClusterObject {
  const namespace = namespaceOf(size, 0);
  const destination = { host: 's0', subset: 'v1', port: { number: 80 } };
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: metadata(namespace, 'all', 1),
    spec: { hosts: ['*'], gateways: ['istio-system/edge'], http: [{ route: [{ destination }] }] },
  };
}

/** Another node leads, and writes the conditions: so it is on all nodes but one. */
export function leaderElsewhere(): ClusterObject {
  const now = new Date().toISOString().replace('Z', '000Z');
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: metadata('istio-system', 'mesh-gateway', 1),
    spec: {
      holderIdentity: 'elsewhere',
      leaseDurationSeconds: 3_600,
      acquireTime: now,
      renewTime: now,
      leaseTransitions: 0,
    },
  };
}

/** The EndpointSlice of a service; `without`: a Pod that is not ready just now, which is one endpoint change. */
export function sliceOf(
  size: ClusterSize,
  service: number,
  options: { readonly addresses?: Addresses; readonly without?: number; readonly revision?: number } = {},
): ClusterObject {
  const { addresses = podNetwork, without, revision = 1 } = options;
  const namespace = namespaceOf(size, service);
  const endpoints = Array.from({ length: size.podsPerService }, (_, pod) => ({
    addresses: [addresses(service, pod).address],
    conditions: { ready: pod !== without, serving: pod !== without, terminating: false },
    nodeName: `node-${pod % 5}`,
    targetRef: { kind: 'Pod', namespace, name: podName(service, pod) },
  }));
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      ...metadata(namespace, `s${service}-x7k2p`, revision),
      labels: {
        'kubernetes.io/service-name': `s${service}`,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: addresses(service, 0).port }],
    endpoints,
  };
}

/** A VirtualService that splits a service between its two versions. */
export function virtualServiceOf(
  size: ClusterSize,
  service: number,
  half: string,
  v1 = 50,
  revision = 1,
): ClusterObject {
  const namespace = namespaceOf(size, service);
  const destination = (subset: string, weight: number) => ({
    destination: { host: `s${service}`, subset, port: { number: 80 } },
    weight,
  });
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: metadata(namespace, `s${service}${half}`, revision),
    spec: {
      hosts: [`s${service}${half}.example`],
      gateways: ['istio-system/edge'],
      http: [{ route: [destination('v1', v1), destination('v2', 100 - v1)] }],
    },
  };
}

function gateway(): ClusterObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: metadata('istio-system', 'edge', 1),
    spec: {
      selector: { istio: 'ingressgateway' },
      servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
    },
  };
}

function serviceOf(size: ClusterSize, service: number, addresses: Addresses): ClusterObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(namespaceOf(size, service), `s${service}`, 1),
    spec: {
      type: 'ClusterIP',
      clusterIP: `172.16.${(service >> 8) & 255}.${service & 255}`,
      selector: { app: `s${service}` },
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: addresses(service, 0).port }],
    },
  };
}

function destinationRuleOf(size: ClusterSize, service: number): ClusterObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: metadata(namespaceOf(size, service), `s${service}`, 1),
    spec: {
      host: `s${service}`,
      subsets: ['v1', 'v2'].map((name) => ({ name, labels: { version: name } })),
    },
  };
}

function podOf(size: ClusterSize, service: number, pod: number, addresses: Addresses): ClusterObject {
  const { address, port } = addresses(service, pod);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata(namespaceOf(size, service), podName(service, pod), 1),
      labels: { app: `s${service}`, version: pod % 2 === 0 ? 'v1' : 'v2', env: 'production' },
    },
    spec: {
      nodeName: `node-${pod % 5}`,
      containers: [{ name: 'app', image: 'app:1', ports: [{ name: 'http', containerPort: port, protocol: 'TCP' }] }],
    },
    status: { phase: 'Running', podIP: address, conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

function podName(service: number, pod: number): string {
  return `s${service}-6d4cf56db6-${pod}`;
}

function namespaceOf({ namespaces }: ClusterSize, service: number): string {
  return `team-${service % namespaces}`;
}

function metadata(namespace: string, name: string, revision: number) {
  return {
    namespace,
    name,
    uid: `${namespace}-${name}`,
    resourceVersion: String(revision),
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
}
