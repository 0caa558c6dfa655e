import { hash } from 'node:crypto';
import type { GatewayIdentity } from '../control/build/builder.ts';
import type { NodeRecord } from '../control/nodes/node-record.ts';
import { hashUnits } from '../snapshot/hash.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

export type OwnFacts = {
  readonly node: string;
  readonly programVersion: string;
  readonly startedAt: number;
  readonly identity: GatewayIdentity;
  readonly served: () => Snapshot | undefined;
  readonly objects: () => number;
  /** The newest revision of the cluster that was seen; undefined without one. */
  readonly resourceVersion: () => string | undefined;
};

/** What this node tells of itself, whenever it is asked. A snapshot is hashed once. */
export function ownRecord(facts: OwnFacts): () => NodeRecord {
  const { node, programVersion, startedAt } = facts;
  const { folder: _folder, ...settings } = facts.identity;
  const comparable = hash('sha256', JSON.stringify([programVersion, settings])).slice(0, 16);
  const known: { snapshot: Snapshot | undefined; hash: string } = { snapshot: undefined, hash: '' };
  return () => {
    const served = facts.served();
    if (served !== undefined && known.snapshot !== served) {
      known.snapshot = served;
      known.hash = hashUnits(served);
    }
    const resourceVersion = facts.resourceVersion();
    return {
      node,
      programVersion,
      snapshotHash: served === undefined ? '' : known.hash,
      servedVersion: served?.version ?? 0,
      objects: facts.objects(),
      ...(resourceVersion !== undefined && { resourceVersion }),
      comparable,
      startedAt: new Date(startedAt).toISOString(),
    };
  };
}
