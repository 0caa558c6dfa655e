import { isIP } from 'node:net';
import { defined } from '../defined.ts';
import { isDnsName } from '../istio/host-values.ts';
import type { At } from '../reader/at.ts';
import { labels, listOf } from '../reader/collections.ts';
import { ignored, ignoredFields, type Reader, refine, required } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { boolean, oneOf, plainText, port } from '../reader/scalars.ts';
import type { ServicePort, ServiceSpec } from './service.ts';
import { trafficPreference } from './traffic-preference.ts';

/** A number, or the name of a container port. */
const targetPort: Reader<number | string> = (at) => {
  // An explicit 0 means, as in Kubernetes, "the same as port".
  if (at.value === 0) return undefined;
  return typeof at.value === 'string' ? plainText(at) : port(at);
};

/** 0 stands, as in Kubernetes, for one that the cluster chooses. */
const nodePort: Reader<number> = (at) => (at.value === 0 ? undefined : port(at));

const protocol = oneOf({ TCP: 'TCP', UDP: 'UDP', SCTP: 'SCTP' } as const);

const servicePort: Reader<ServicePort> = refine(
  record({
    port: required(port, 'write the port, as port: 80'),
    name: plainText,
    targetPort,
    protocol,
    appProtocol: plainText,
    nodePort,
  }),
  (value) => {
    if (value.port === undefined) return undefined;
    return {
      port: value.port,
      targetPort: value.targetPort ?? value.port,
      protocol: value.protocol ?? 'TCP',
      ...defined({ name: value.name, appProtocol: value.appProtocol, nodePort: value.nodePort }),
    };
  },
);

const externalName: Reader<string> = refine(plainText, (value, at) => {
  const name = value.toLowerCase().replace(/\.$/, '');
  return isDnsName(name) ? name : at.report({ message: `"${value}" is not a DNS name.` });
});

const trafficPolicy = oneOf({ Cluster: 'cluster', Local: 'local' } as const);

const fields = record({
  type: oneOf({
    ClusterIP: 'ClusterIP',
    NodePort: 'NodePort',
    LoadBalancer: 'LoadBalancer',
    ExternalName: 'ExternalName',
  } as const),
  ports: listOf(servicePort),
  selector: labels,
  externalName,
  clusterIP: plainText,
  publishNotReadyAddresses: boolean,
  externalTrafficPolicy: trafficPolicy,
  internalTrafficPolicy: trafficPolicy,
  trafficDistribution: trafficPreference,
  ...ignoredFields('clusterIPs', 'externalIPs', 'ipFamilies', 'ipFamilyPolicy'),
  ...ignoredFields('sessionAffinity', 'sessionAffinityConfig'),
  ...ignoredFields('loadBalancerIP', 'loadBalancerSourceRanges', 'loadBalancerClass', 'topologyKeys', 'ipFamily'),
  healthCheckNodePort: nodePort,
  allocateLoadBalancerNodePorts: ignored,
});

/** `spec` of a Service. */
export const readService: Reader<ServiceSpec> = refine(fields, (spec, at) => {
  const type = spec.type ?? 'ClusterIP';
  if (type === 'ExternalName' && spec.externalName === undefined)
    at.reportKey({ message: 'Type ExternalName needs externalName: a DNS name.' });
  checkPorts(spec.ports ?? [], at);
  const exposed = type === 'NodePort' || type === 'LoadBalancer';
  return {
    type,
    ports: (spec.ports ?? []).map((one) => (exposed ? one : withoutNodePort(one))),
    publishNotReadyAddresses: spec.publishNotReadyAddresses ?? false,
    ...(exposed && spec.externalTrafficPolicy === 'local' && { externalTrafficLocal: true as const }),
    ...(spec.internalTrafficPolicy === 'local' && { internalTrafficLocal: true as const }),
    ...defined({
      selector: spec.selector && Object.keys(spec.selector).length > 0 ? spec.selector : undefined,
      clusterIP: isIP(spec.clusterIP ?? '') === 0 ? undefined : spec.clusterIP,
      healthCheckNodePort: exposed ? spec.healthCheckNodePort : undefined,
      externalName: type === 'ExternalName' ? spec.externalName : undefined,
      prefers: spec.trafficDistribution,
    }),
  };
});

function withoutNodePort({ nodePort: _nodePort, ...rest }: ServicePort): ServicePort {
  return rest;
}

function checkPorts(ports: readonly ServicePort[], at: At): void {
  const seen = new Set<string>();
  for (const [index, { name, port: number, protocol: transport }] of ports.entries()) {
    const path = [...at.path, 'ports', index];
    if (name === undefined && ports.length > 1)
      at.context.report(path, { message: 'A Service with several ports must name each of them: add a name.' });
    for (const [field, value] of [['name', name] as const, ['port', `${number}/${transport}`] as const]) {
      if (value === undefined) continue;
      if (seen.has(value))
        at.context.report([...path, field], { message: `Another port has the ${field} ${value}: each needs its own.` });
      seen.add(value);
    }
  }
}
