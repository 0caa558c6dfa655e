import { isDeepStrictEqual } from 'node:util';
import type { SnapshotDelta, SnapshotUnits, UnitKind } from './snapshot.ts';
import { UnitTable } from './unit-table.ts';
import { tablesOf, unitsOf } from './units.ts';

/** The units to set and the keys to remove, without the versions. */
export type UnitChanges = Pick<SnapshotDelta, 'set' | 'remove'>;

/** Every kind of unit. */
export const UNIT_KINDS = ['listeners', 'virtualHosts', 'clusters', 'certificates'] as const satisfies UnitKind[];

/** No units at all: what a full snapshot is a delta from. */
export const NO_UNITS: SnapshotUnits = unitsOf({
  listeners: UnitTable.empty(),
  virtualHosts: UnitTable.empty(),
  clusters: UnitTable.empty(),
  certificates: UnitTable.empty(),
});

/**
 * What leads from `previous` to `next`. Units that have a common past cost what differs; what is not the same object is
 * compared by content, so that a unit which was merely built again is not published again.
 */
export function diffUnits(previous: SnapshotUnits, next: SnapshotUnits): UnitChanges {
  const [before, after] = [tablesOf(previous), tablesOf(next)];
  const listeners = difference(before.listeners, after.listeners);
  const virtualHosts = difference(before.virtualHosts, after.virtualHosts);
  const clusters = difference(before.clusters, after.clusters);
  const certificates = difference(before.certificates, after.certificates);
  return {
    set: {
      listeners: listeners.set,
      virtualHosts: virtualHosts.set,
      clusters: clusters.set,
      certificates: certificates.set,
    },
    remove: {
      listeners: listeners.remove,
      virtualHosts: virtualHosts.remove,
      clusters: clusters.remove,
      certificates: certificates.remove,
    },
  };
}

/** True when there is nothing to publish. */
export function isEmptyChange({ set, remove }: UnitChanges): boolean {
  return UNIT_KINDS.every((kind) => remove[kind].length === 0 && Object.keys(set[kind]).length === 0);
}

/** The units after a delta; those that it does not name are the same objects as before. Keys come out sorted. */
export function applyDelta(units: SnapshotUnits, { set, remove }: UnitChanges): SnapshotUnits {
  const { listeners, virtualHosts, clusters, certificates } = tablesOf(units);
  return unitsOf({
    listeners: listeners.with(Object.entries(set.listeners), remove.listeners),
    virtualHosts: virtualHosts.with(Object.entries(set.virtualHosts), remove.virtualHosts),
    clusters: clusters.with(Object.entries(set.clusters), remove.clusters),
    certificates: certificates.with(Object.entries(set.certificates), remove.certificates),
  });
}

function difference<V extends object>(
  previous: UnitTable<V>,
  next: UnitTable<V>,
): { readonly set: Readonly<Record<string, V>>; readonly remove: readonly string[] } {
  const set: Record<string, V> = {};
  const remove: string[] = [];
  for (const { key, before, after } of next.changesSince(previous)) {
    if (after === undefined) remove.push(key);
    else if (!isDeepStrictEqual(before, after)) set[key] = after;
  }
  return { set, remove };
}
