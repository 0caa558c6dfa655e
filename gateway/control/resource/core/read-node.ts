import { isIP } from 'node:net';
import { listOf } from '../reader/collections.ts';
import { ignored } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { text } from '../reader/scalars.ts';
import type { NodeSpec } from './node.ts';

const address = record({ type: text, address: text }, { others: 'ignore' });

const condition = record({ type: text, status: text }, { others: 'ignore' });

const status = record({ addresses: listOf(address), conditions: listOf(condition) }, { others: 'ignore' });

/** The body of a Node. */
export const nodeFields = { spec: ignored, status };

type NodeValue = { readonly status?: NonNullable<ReturnType<typeof status>> };

/** Puts what {@link nodeFields} read together. A Node without conditions was written by hand: it counts as ready. */
export function toNode({ status: read }: NodeValue): NodeSpec {
  const ready = read?.conditions?.find(({ type }) => type === 'Ready');
  const addresses = (read?.addresses ?? []).flatMap((one) =>
    one.type === 'InternalIP' && one.address !== undefined && isIP(one.address) !== 0 ? [one.address] : [],
  );
  return { addresses, ready: ready === undefined || ready.status === 'True' };
}
