import { isJsonObject, type JsonObject, type KubeObject } from './kube-object.ts';
import type { ResourceType } from './resource-type.ts';

type Default = (object: KubeObject, old: KubeObject | undefined) => void;

/** Fills in what the server decides for built-in kinds; `old` is what the object replaces. */
export function defaultsOf(type: ResourceType, object: KubeObject, old?: KubeObject): void {
  if (!type.custom) DEFAULTS[type.kind]?.(object, old);
}

const DEFAULTS: Readonly<Record<string, Default>> = {
  Namespace: namespaceDefaults,
  Secret: secretDefaults,
  Service: serviceDefaults,
  Pod: (object) => (object['status'] ??= { phase: 'Pending' }),
  Deployment: deploymentDefaults,
  EndpointSlice: sliceDefaults,
};

function namespaceDefaults(object: KubeObject): void {
  object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
  object['spec'] = { finalizers: ['kubernetes'], ...(isJsonObject(object['spec']) ? object['spec'] : {}) };
  object['status'] ??= { phase: 'Active' };
}

function secretDefaults(object: KubeObject): void {
  const given = object['stringData'];
  delete object['stringData'];
  if (isJsonObject(given)) {
    const encoded = Object.entries(given).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')]);
    object['data'] = { ...(isJsonObject(object['data']) ? object['data'] : {}), ...Object.fromEntries(encoded) };
  }
  object['type'] ??= 'Opaque';
}

/** A port without a name has an empty one; whatever is not said of readiness stays unsaid. */
function sliceDefaults(object: KubeObject): void {
  const [ports, endpoints] = [object['ports'], object['endpoints']];
  if (Array.isArray(ports))
    object['ports'] = ports.map((port: unknown) =>
      isJsonObject(port) ? { name: '', protocol: 'TCP', ...port } : port,
    );
  if (Array.isArray(endpoints))
    object['endpoints'] = endpoints.map((one: unknown) => (isJsonObject(one) ? { conditions: {}, ...one } : one));
}

let lastAddress = 1;
let lastNodePort = 30_000;

function serviceDefaults(object: KubeObject, old: KubeObject | undefined): void {
  const spec: JsonObject = { ...(isJsonObject(object['spec']) ? object['spec'] : {}) };
  const before = isJsonObject(old?.['spec']) ? old['spec'] : {};
  object['spec'] = spec;
  spec['type'] ??= 'ClusterIP';
  spec['sessionAffinity'] ??= 'None';
  if (Array.isArray(spec['ports'])) spec['ports'] = spec['ports'].map((port) => portDefaults(port, spec['type']));
  if (spec['type'] === 'ExternalName') return;
  spec['internalTrafficPolicy'] ??= 'Cluster';
  if (spec['type'] !== 'ClusterIP') spec['externalTrafficPolicy'] ??= 'Cluster';
  spec['clusterIP'] ??= before['clusterIP'] ?? nextAddress();
  spec['clusterIPs'] ??= [spec['clusterIP']];
  spec['ipFamilies'] ??= ['IPv4'];
  spec['ipFamilyPolicy'] ??= 'SingleStack';
  object['status'] ??= { loadBalancer: {} };
}

function portDefaults(port: unknown, serviceType: unknown): unknown {
  if (!isJsonObject(port)) return port;
  const filled: JsonObject = { protocol: 'TCP', targetPort: port['port'], ...port };
  if (serviceType === 'NodePort' || serviceType === 'LoadBalancer') filled['nodePort'] ??= ++lastNodePort;
  return filled;
}

function nextAddress(): string {
  lastAddress += 1;
  return `10.96.${(lastAddress >> 8) & 255}.${lastAddress & 255}`;
}

function deploymentDefaults(object: KubeObject): void {
  const spec: JsonObject = { replicas: 1, ...(isJsonObject(object['spec']) ? object['spec'] : {}) };
  // extensions/v1beta1 took the selector from the template's labels.
  const template = isJsonObject(spec['template']) ? spec['template'] : {};
  const labels = isJsonObject(template['metadata']) ? template['metadata']['labels'] : undefined;
  if (spec['selector'] === undefined && labels !== undefined) spec['selector'] = { matchLabels: labels };
  object['spec'] = spec;
  object['status'] ??= {};
}
