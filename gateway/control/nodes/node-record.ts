import type { Lease } from '../leader/lease.ts';

/** What a node tells the others of itself. */
export type NodeRecord = {
  readonly node: string;
  readonly programVersion: string;
  /** Of everything its workers serve; empty before they serve anything. */
  readonly snapshotHash: string;
  /** Counted by each node for itself. */
  readonly servedVersion: number;
  /** Accepted objects. */
  readonly objects: number;
  /** The newest revision of the cluster that it has seen in an object. */
  readonly resourceVersion?: string;
  /** Where it stands, as `region/zone/subzone`; absent: nobody has said. */
  readonly locality?: string;
  /** Of what makes its snapshot differ from another's, though both see the same objects: program and settings. */
  readonly comparable: string;
  /** ISO 8601. */
  readonly startedAt: string;
};

/** Labels of the Leases by which nodes know each other. */
export const NODE_LABELS = {
  'app.kubernetes.io/name': 'mesh-gateway',
  'app.kubernetes.io/component': 'node',
} as const;

export const NODE_SELECTOR = Object.entries(NODE_LABELS)
  .map(([name, value]) => `${name}=${value}`)
  .join(',');

/** The Lease of a node. */
export function nodeLeaseName(node: string): string {
  const name = node
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-')
    .replaceAll(/^[.-]+|[.-]+$/g, '');
  return `mesh-gateway-node-${name}`.slice(0, 253);
}

const PREFIX = 'mesh-gateway/';

/** Annotations of the node's Lease. */
export function toAnnotations(record: NodeRecord): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([field, value]) => [PREFIX + dashed(field), String(value)]));
}

/** Reads what another node has written, whatever its version: what it did not write is empty. */
export function parseNode(lease: Lease): NodeRecord {
  const value = (field: keyof NodeRecord): string => lease.annotations[PREFIX + dashed(field)] ?? '';
  const resourceVersion = value('resourceVersion');
  const locality = value('locality');
  return {
    node: value('node') || lease.name.replace(/^mesh-gateway-node-/, ''),
    programVersion: value('programVersion'),
    snapshotHash: value('snapshotHash'),
    servedVersion: Number.parseInt(value('servedVersion'), 10) || 0,
    objects: Number.parseInt(value('objects'), 10) || 0,
    ...(resourceVersion !== '' && { resourceVersion }),
    ...(locality !== '' && { locality }),
    comparable: value('comparable'),
    startedAt: value('startedAt'),
  };
}

/** `snapshotHash` as Kubernetes spells names: `snapshot-hash`. */
function dashed(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
