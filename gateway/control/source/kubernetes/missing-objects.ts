import type { ClusterVerdict } from './cluster-identity.ts';

/** What is known when a whole list has been read, and known objects are not in it. */
export type MissingObjects = {
  readonly missing: number;
  /** The list names no object of the kind at all. */
  readonly isEmpty: boolean;
  readonly cluster: ClusterVerdict;
};

/**
 * Whether a list that lacks objects is held and not believed. An emptied etcd or a proxy that leads elsewhere looks like
 * a deletion of everything, so several objects are never given up for an empty list, and a single one only if the
 * cluster is the same for certain. Deletions that the watch tells one by one are obeyed at once, and so is every list
 * that still names an object of the kind; another cluster's lists are not even read (see ClusterIdentity).
 */
export function isHeld({ missing, isEmpty, cluster }: MissingObjects): boolean {
  if (missing === 0 || !isEmpty) return false;
  return missing > 1 || cluster === 'unknown';
}
