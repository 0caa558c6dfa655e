import { isIP } from 'node:net';
import { defined } from '../defined.ts';
import type { Metadata } from '../metadata.ts';
import { listOf } from '../reader/collections.ts';
import { record } from '../reader/record.ts';
import { text } from '../reader/scalars.ts';
import { localityOfLabels } from './locality.ts';
import type { NodeSpec } from './node.ts';

/** Who carries one of these takes no traffic from outside: the label of today, and that of before Kubernetes 1.17. */
export const EXCLUDING_LABELS = [
  'node.kubernetes.io/exclude-from-external-load-balancers',
  'alpha.service-controller.kubernetes.io/exclude-balancer',
] as const;

/** The autoscaler is about to delete the machine. */
export const DELETION_TAINT = 'ToBeDeletedByClusterAutoscaler';

const taint = record({ key: text }, { others: 'ignore' });

const spec = record({ taints: listOf(taint) }, { others: 'ignore' });

const address = record({ type: text, address: text }, { others: 'ignore' });

const condition = record({ type: text, status: text }, { others: 'ignore' });

const status = record({ addresses: listOf(address), conditions: listOf(condition) }, { others: 'ignore' });

/** The body of a Node. */
export const nodeFields = { spec, status };

type NodeValue = {
  readonly spec?: NonNullable<ReturnType<typeof spec>>;
  readonly status?: NonNullable<ReturnType<typeof status>>;
};

/** Puts what {@link nodeFields} read together. A Node without conditions was written by hand: it counts as ready. */
export function toNode({ spec: written, status: read }: NodeValue, metadata: Metadata): NodeSpec {
  const { labels = {} } = metadata;
  const ready = read?.conditions?.find(({ type }) => type === 'Ready');
  const addresses = (read?.addresses ?? []).flatMap((one) =>
    one.type === 'InternalIP' && one.address !== undefined && isIP(one.address) !== 0 ? [one.address] : [],
  );
  const leaving =
    metadata.deletionTimestamp !== undefined ||
    EXCLUDING_LABELS.some((label) => label in labels) ||
    written?.taints?.some(({ key }) => key === DELETION_TAINT) === true;
  return {
    addresses,
    ready: ready === undefined || ready.status === 'True',
    ...(leaving && { leaving: true as const }),
    ...defined({ locality: localityOfLabels(labels) }),
  };
}
