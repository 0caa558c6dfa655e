// Promises: of an object only what is used here, at parse time: 50,000 endpoints must fit into control.
// Never: keeps managedFields, status that nobody reads, or Secret entries that are no certificate.
// Called by: watched-kinds.ts.
import { LOCALITY_LABELS } from '../../resource/core/locality.ts';
import { DELETION_TAINT, EXCLUDING_LABELS } from '../../resource/core/read-node.ts';

/** Plain data of one object. */
export type Fields = Readonly<Record<string, unknown>>;

/** Makes an object of a list or of a watch into what is kept; its apiVersion and kind come from the path. */
export type Slim = (object: Fields) => Fields;

/** Objects that people write: everything but what the server adds, the status and the metadata nobody reads. */
export function slimWritten(object: Fields): Fields {
  return { metadata: writtenMetadata(object), ...pick(object, ['spec']) };
}

export function slimService(object: Fields): Fields {
  const metadata = pick(fieldsOf(object['metadata']), [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
  ]);
  const annotations = routingOnly(fieldsOf(object['metadata'])['annotations']);
  return {
    metadata: { ...metadata, ...(annotations && { annotations }) },
    spec: pick(fieldsOf(object['spec']), SERVICE),
  };
}

const SERVICE =
  'type ports selector externalName publishNotReadyAddresses clusterIP healthCheckNodePort externalTrafficPolicy internalTrafficPolicy trafficDistribution'.split(
    ' ',
  );

/** Labels choose subsets, the address finds the Pod behind an endpoint; a sidecar's traces tell whether it wants mutual TLS. */
export function slimPod(object: Fields): Fields {
  const metadata = fieldsOf(object['metadata']);
  const spec = fieldsOf(object['spec']);
  const status = fieldsOf(object['status']);
  const conditions = listOf(status['conditions']).filter((condition) => condition['type'] === 'Ready');
  return {
    metadata: { ...pick(metadata, ['name', 'namespace', 'labels', 'deletionTimestamp']), ...meshAnnotations(metadata) },
    spec: {
      ...pick(spec, ['nodeName']),
      containers: namesOf(spec['containers']),
      initContainers: namesOf(spec['initContainers']),
    },
    status: {
      ...pick(status, ['podIP', 'phase']),
      conditions: oneList(conditions.map((one) => pick(one, ['type', 'status']))),
    },
  };
}

function meshAnnotations(metadata: Fields): { readonly annotations?: Fields } {
  const written = fieldsOf(metadata['annotations']);
  const annotations: Record<string, unknown> = { ...pick(written, ['ambient.istio.io/redirection']) };
  // Its value is long, and nobody reads it.
  if (written[INJECTED] !== undefined) annotations[INJECTED] = 'true';
  return Object.keys(annotations).length === 0 ? {} : { annotations };
}

const INJECTED = 'sidecar.istio.io/status';

function namesOf(containers: unknown): readonly Fields[] {
  return oneList(listOf(containers).map((container) => pick(container, ['name'])));
}

export function slimEndpointSlice(object: Fields): Fields {
  const metadata = fieldsOf(object['metadata']);
  return {
    metadata: { ...pick(metadata, ['name', 'namespace']), labels: pick(fieldsOf(metadata['labels']), [SERVICE_NAME]) },
    ...pick(object, ['addressType']),
    endpoints: listOf(object['endpoints']).map((endpoint) => slimEndpoint(endpoint, metadata['namespace'])),
    ports: listOf(object['ports']).map((port) => pick(port, ['name', 'port', 'protocol'])),
  };
}

const SERVICE_NAME = 'kubernetes.io/service-name';

/** Most endpoints are ready Pods of the slice's own namespace: what goes without saying is left out. */
function slimEndpoint(endpoint: Fields, namespace: unknown): Fields {
  const { targetRef } = endpoint;
  const isReady = fieldsOf(endpoint['conditions'])['ready'] !== false;
  return {
    ...pick(endpoint, isReady ? ['addresses', 'hints'] : ['addresses', 'hints', 'conditions']),
    ...pick(endpoint, ['nodeName', 'zone']),
    ...(targetRef !== undefined && { targetRef: slimRef(fieldsOf(targetRef), namespace) }),
  };
}

function slimRef(ref: Fields, namespace: unknown): Fields {
  return pick(ref, ref['namespace'] === namespace ? ['kind', 'name'] : ['kind', 'name', 'namespace']);
}

/** Leader elections of old clusters write annotations of Endpoints every two seconds. */
export function slimEndpoints(object: Fields): Fields {
  return {
    metadata: pick(fieldsOf(object['metadata']), ['name', 'namespace']),
    subsets: listOf(object['subsets']).map((subset) => ({
      addresses: listOf(subset['addresses']).map((address) => ({
        ...pick(address, ['ip', 'nodeName']),
        ...(address['targetRef'] !== undefined && {
          targetRef: pick(fieldsOf(address['targetRef']), ['kind', 'name', 'namespace']),
        }),
      })),
      ports: listOf(subset['ports']).map((port) => pick(port, ['name', 'port', 'protocol'])),
    })),
  };
}

/** Where node ports answer, and where it stands: heartbeats change the rest every few seconds. */
export function slimNode(object: Fields): Fields {
  const metadata = fieldsOf(object['metadata']);
  const labels = pick(fieldsOf(metadata['labels']), NODE_LABELS);
  const taints = listOf(fieldsOf(object['spec'])['taints']).filter(({ key }) => key === DELETION_TAINT);
  const status = fieldsOf(object['status']);
  const conditions = listOf(status['conditions']).filter((condition) => condition['type'] === 'Ready');
  return {
    metadata: {
      ...pick(metadata, ['name', 'deletionTimestamp']),
      ...(Object.keys(labels).length > 0 && { labels }),
    },
    ...(taints.length > 0 && { spec: { taints: taints.map((taint) => pick(taint, ['key'])) } }),
    status: { ...pick(status, ['addresses']), conditions: conditions.map((one) => pick(one, ['type', 'status'])) },
  };
}

const NODE_LABELS = [...LOCALITY_LABELS, ...EXCLUDING_LABELS];

/** The uid of `kube-system` tells one cluster from another. */
export function slimNamespace(object: Fields): Fields {
  return { metadata: pick(fieldsOf(object['metadata']), ['name', 'labels', 'uid', 'deletionTimestamp']) };
}

/** Every entry that Istio reads a certificate from, under both of its spellings. */
const CERTIFICATE_ENTRIES = 'tls.crt tls.key tls.ocsp-staple ca.crt ca.crl cert key cacert crl'.split(' ');

export function slimSecret(object: Fields): Fields {
  return {
    metadata: pick(fieldsOf(object['metadata']), ['name', 'namespace', 'deletionTimestamp']),
    ...pick(object, ['type']),
    data: pick(fieldsOf(object['data']), CERTIFICATE_ENTRIES),
  };
}

export function slimConfigMap(object: Fields): Fields {
  return {
    metadata: pick(fieldsOf(object['metadata']), ['name', 'namespace', 'deletionTimestamp']),
    data: pick(fieldsOf(object['data']), ['ca.crt']),
  };
}

function writtenMetadata(object: Fields): Fields {
  const {
    managedFields: _managed,
    selfLink: _link,
    ownerReferences: _owners,
    ...metadata
  } = fieldsOf(object['metadata']);
  return metadata;
}

function routingOnly(annotations: unknown): Fields | undefined {
  const kept = Object.entries(fieldsOf(annotations)).filter(
    ([name]) => name.startsWith('networking.istio.io/') || name.startsWith('service.kubernetes.io/topology-'),
  );
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** The named fields that are there; what very many objects have in common is kept once. */
function pick(from: Fields, names: readonly string[]): Fields {
  const picked: Record<string, unknown> = {};
  for (const name of names) {
    const value = from[name];
    if (value === undefined || value === null) continue;
    picked[name] = typeof value === 'string' && COMMON.has(name) ? words.oneOf(value, value) : value;
  }
  if (picked['labels'] !== undefined) picked['labels'] = oneWordEach(fieldsOf(picked['labels']));
  return picked;
}

const COMMON = new Set(['namespace', 'nodeName', 'zone', 'kind', 'type', 'status', 'phase', 'protocol']);

function oneWordEach(labels: Fields): Fields {
  const each: Record<string, unknown> = {};
  for (const name of Object.keys(labels)) {
    const value = labels[name];
    each[name] = typeof value === 'string' ? words.oneOf(value, value) : value;
  }
  return each;
}

/** Containers and conditions are the same for most Pods. */
function oneList(list: readonly Fields[]): readonly Fields[] {
  return lists.oneOf(JSON.stringify(list), list);
}

/** Keeps one of many equal values; those that nobody has had for long are forgotten with all others now and then. */
class Pool<T> {
  readonly #known = new Map<string, T>();

  oneOf(name: string, value: T): T {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    // More than a cluster has nodes.
    if (this.#known.size >= 16_384) this.#known.clear();
    this.#known.set(name, value);
    return value;
  }
}

const words = new Pool<string>();
const lists = new Pool<readonly Fields[]>();

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}
