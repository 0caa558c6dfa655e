/**
 * What the built-in kinds that people write by hand may hold, in the same form as schemas of custom resources: Kubernetes
 * drops what its types do not know, with a warning, or refuses it where the client is strict. Kinds that are not here take
 * everything.
 */
import type { JsonObject } from './kube-object.ts';

const text = { type: 'string' };
const flag = { type: 'boolean' };
const whole = { type: 'integer' };
const texts = { type: 'array', items: text };
const textMap = { type: 'object', additionalProperties: text };
const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const port = { type: 'integer', minimum: 1, maximum: 65_535 };

const servicePort = fields({
  name: text,
  protocol: { type: 'string', enum: ['TCP', 'UDP', 'SCTP'] },
  appProtocol: text,
  port,
  targetPort: { anyOf: [whole, text] },
  // 0 asks for any.
  nodePort: { anyOf: [{ const: 0 }, { type: 'integer', minimum: 30_000, maximum: 32_767 }] },
});

const service = fields({
  ports: { type: 'array', items: servicePort },
  selector: textMap,
  type: { type: 'string', enum: ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] },
  clusterIP: text,
  clusterIPs: texts,
  externalIPs: texts,
  externalName: text,
  externalTrafficPolicy: text,
  internalTrafficPolicy: text,
  trafficDistribution: text,
  sessionAffinity: { type: 'string', enum: ['None', 'ClientIP'] },
  sessionAffinityConfig: open,
  ipFamilies: texts,
  ipFamilyPolicy: text,
  loadBalancerIP: text,
  loadBalancerClass: text,
  loadBalancerSourceRanges: texts,
  allocateLoadBalancerNodePorts: flag,
  healthCheckNodePort: whole,
  publishNotReadyAddresses: flag,
});

const reference = fields({
  kind: text,
  namespace: text,
  name: text,
  uid: text,
  apiVersion: text,
  resourceVersion: text,
  fieldPath: text,
});
const endpointPort = fields({ name: text, port: whole, protocol: text, appProtocol: text });
const endpoint = fields({
  addresses: texts,
  conditions: fields({ ready: flag, serving: flag, terminating: flag }),
  hostname: text,
  targetRef: reference,
  nodeName: text,
  zone: text,
  hints: open,
  deprecatedTopology: textMap,
  topology: textMap,
});
const address = fields({ ip: text, hostname: text, nodeName: text, targetRef: reference });
const addresses = { type: 'array', items: address };
const subset = fields({ addresses, notReadyAddresses: addresses, ports: { type: 'array', items: endpointPort } });

const SCHEMAS: Readonly<Record<string, JsonObject>> = {
  Service: fields({ spec: service, status: open }),
  Endpoints: fields({ subsets: { type: 'array', items: subset } }),
  EndpointSlice: fields({
    addressType: { type: 'string', enum: ['IPv4', 'IPv6', 'FQDN'] },
    endpoints: { type: 'array', items: endpoint },
    ports: { type: 'array', items: endpointPort },
  }),
  ConfigMap: fields({ data: textMap, binaryData: textMap, immutable: flag }),
  Secret: fields({ data: textMap, stringData: textMap, type: text, immutable: flag }),
};

/** The schema of a built-in kind, or undefined where it takes everything. */
export function builtInSchema(kind: string): JsonObject | undefined {
  return SCHEMAS[kind];
}

function fields(properties: Readonly<Record<string, JsonObject>>): JsonObject {
  return { type: 'object', properties };
}
