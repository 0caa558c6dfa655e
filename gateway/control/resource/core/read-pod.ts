import { defined } from '../defined.ts';
import { ipAddress } from '../istio/host-values.ts';
import type { Metadata } from '../metadata.ts';
import { listOf } from '../reader/collections.ts';
import { refine, required } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { oneOf, port, text } from '../reader/scalars.ts';
import type { PodSpec } from './pod.ts';

const containerPort = refine(
  record(
    {
      containerPort: required(port, 'write the port, as containerPort: 8080'),
      name: text,
      protocol: oneOf({ TCP: 'TCP', UDP: 'UDP', SCTP: 'SCTP' } as const),
    },
    { others: 'ignore' },
  ),
  (value) =>
    value.containerPort === undefined
      ? undefined
      : { containerPort: value.containerPort, protocol: value.protocol ?? 'TCP', ...defined({ name: value.name }) },
);

const container = record({ name: text, ports: listOf(containerPort) }, { others: 'ignore' });

/** Most of a Pod is the kubelet's business: only what routing needs is read. */
const spec = record(
  { nodeName: text, containers: listOf(container), initContainers: listOf(container) },
  { others: 'ignore' },
);

const condition = record({ type: text, status: text }, { others: 'ignore' });

const status = record({ podIP: ipAddress, phase: text, conditions: listOf(condition) }, { others: 'ignore' });

/** The body of a Pod. */
export const podFields = { spec, status };

type PodValue = {
  readonly spec?: NonNullable<ReturnType<typeof spec>>;
  readonly status?: NonNullable<ReturnType<typeof status>>;
};

/** Puts what {@link podFields} read together. A Pod written by hand has no conditions: its address is enough. */
export function toPod(value: PodValue, metadata: Metadata): PodSpec {
  const { podIP, phase, conditions } = value.status ?? {};
  const ready = conditions?.find((entry) => entry.type === 'Ready');
  const running = phase === undefined || phase === 'Running';
  return {
    ready:
      metadata.deletionTimestamp === undefined &&
      running &&
      podIP !== undefined &&
      (ready === undefined ? !conditions?.length : ready.status === 'True'),
    ports: portsOf(value.spec?.containers ?? []),
    ...defined({ podIP, node: value.spec?.nodeName || undefined, sidecar: hasSidecar(value.spec, metadata) }),
  };
}

function portsOf(containers: NonNullable<NonNullable<PodValue['spec']>['containers']>): PodSpec['ports'] {
  const ports = containers.flatMap((container) => container.ports ?? []);
  return ports.length === 0 ? NO_PORTS : ports;
}

/** Of a cluster's Pods they are not kept: one empty list for all. */
const NO_PORTS: PodSpec['ports'] = Object.freeze([]);

/** The injector's annotation, or its container (an init container where Kubernetes has native sidecars); ambient redirects. */
function hasSidecar(pod: PodValue['spec'], { annotations }: Metadata): boolean | undefined {
  const containers = [...(pod?.containers ?? []), ...(pod?.initContainers ?? [])];
  if (containers.some(({ name }) => name === 'istio-proxy')) return true;
  if (annotations?.['sidecar.istio.io/status'] !== undefined) return true;
  if (annotations?.['ambient.istio.io/redirection'] === 'enabled') return true;
  return containers.length === 0 ? undefined : false;
}
