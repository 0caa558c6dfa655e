import { defined } from '../defined.ts';
import { ipAddress } from '../istio/host-values.ts';
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

/** Most of a Pod is the kubelet's business: only what routing needs is read. */
const spec = record(
  { containers: listOf(record({ ports: listOf(containerPort) }, { others: 'ignore' })) },
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
export function toPod(value: PodValue, deleting: boolean): PodSpec {
  const { podIP, phase, conditions } = value.status ?? {};
  const ready = conditions?.find((entry) => entry.type === 'Ready');
  const running = phase === undefined || phase === 'Running';
  return {
    ready:
      !deleting &&
      running &&
      podIP !== undefined &&
      (ready === undefined ? !conditions?.length : ready.status === 'True'),
    ports: (value.spec?.containers ?? []).flatMap((container) => container.ports ?? []),
    ...defined({ podIP }),
  };
}
