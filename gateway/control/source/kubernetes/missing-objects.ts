import type { ClusterVerdict } from './cluster-identity.ts';

/** What is known when a whole list has been read, and known objects are not in it. */
export type MissingObjects = {
  readonly missing: number;
  /** The list names no object of the kind at all. */
  readonly isEmpty: boolean;
  readonly cluster: ClusterVerdict;
};

/** Why objects that are missing in a list are not given up. */
export type HoldReason = 'empty' | 'other-cluster';

/**
 * Whether a list is believed that lacks objects. A new etcd, a restored backup or a proxy that leads elsewhere looks
 * like a deletion of everything, so nothing is given up for another cluster, and several objects never for an empty
 * list; a single one only if the cluster is the same for certain. Deletions that the watch tells one by one are obeyed
 * at once, and so is every list of the same cluster that still names an object of the kind.
 */
export function whyHeld({ missing, isEmpty, cluster }: MissingObjects): HoldReason | undefined {
  if (missing === 0) return undefined;
  if (cluster === 'other') return 'other-cluster';
  if (!isEmpty || (missing === 1 && cluster === 'same')) return undefined;
  return 'empty';
}
