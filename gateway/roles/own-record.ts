import { hash } from 'node:crypto';
import type { GatewayIdentity } from '../control/build/builder.ts';
import type { NodeRecord } from '../control/nodes/node-record.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

export type OwnFacts = {
  readonly node: string;
  readonly programVersion: string;
  readonly startedAt: number;
  readonly identity: GatewayIdentity;
  /** Of the cluster, that are watched; empty: all. */
  readonly namespaces: readonly string[];
  readonly served: () => Snapshot | undefined;
  /** Of what is served; empty while nothing is. */
  readonly snapshotHash: () => string;
  readonly objects: () => number;
  /** The newest revision of the cluster that was seen; undefined without one. */
  readonly resourceVersion: () => string | undefined;
  readonly locality: () => string | undefined;
};

/** What this node tells of itself, whenever it is asked. */
export function ownRecord(facts: OwnFacts): () => NodeRecord {
  const { node, programVersion, startedAt, namespaces } = facts;
  // Where people reach the appliance itself is no part of what it serves, and where it stands none of the hash.
  const { folder: _folder, reservedPorts: _ports, node: _node, locality: _locality, ...settings } = facts.identity;
  const comparable = hash('sha256', JSON.stringify([programVersion, settings, [...namespaces].sort()])).slice(0, 16);
  return () => {
    const resourceVersion = facts.resourceVersion();
    const locality = facts.locality();
    return {
      node,
      programVersion,
      snapshotHash: facts.snapshotHash(),
      servedVersion: facts.served()?.version ?? 0,
      objects: facts.objects(),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(locality !== undefined && { locality }),
      comparable,
      startedAt: new Date(startedAt).toISOString(),
    };
  };
}

/** The greater of the revision that is known and that of an object; API servers count them in whole numbers. */
export function newerRevision(known: string | undefined, raw: unknown): string | undefined {
  const { metadata } = (raw ?? {}) as { readonly metadata?: { readonly resourceVersion?: unknown } };
  const found = metadata?.resourceVersion;
  if (typeof found !== 'string' || !/^\d{1,15}$/.test(found)) return known;
  return known === undefined || Number(found) > Number(known) ? found : known;
}
