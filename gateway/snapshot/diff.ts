import { isDeepStrictEqual } from 'node:util';
import type { SnapshotDelta, SnapshotUnits, UnitKind } from './snapshot.ts';

/** The units to set and the keys to remove, without the versions. */
export type UnitChanges = Pick<SnapshotDelta, 'set' | 'remove'>;

/** Every kind of unit. */
export const UNIT_KINDS = ['listeners', 'virtualHosts', 'clusters', 'certificates'] as const satisfies UnitKind[];

/** No units at all: what a full snapshot is a delta from. */
export const NO_UNITS: SnapshotUnits = Object.freeze({
  listeners: {},
  virtualHosts: {},
  clusters: {},
  certificates: {},
});

/**
 * What leads from `previous` to `next`. Units that are the same object cost one comparison; others are compared by
 * content, so that a unit which was merely built again is not published again.
 */
export function diffUnits(previous: SnapshotUnits, next: SnapshotUnits): UnitChanges {
  return {
    set: {
      listeners: changed(previous.listeners, next.listeners),
      virtualHosts: changed(previous.virtualHosts, next.virtualHosts),
      clusters: changed(previous.clusters, next.clusters),
      certificates: changed(previous.certificates, next.certificates),
    },
    remove: {
      listeners: gone(previous.listeners, next.listeners),
      virtualHosts: gone(previous.virtualHosts, next.virtualHosts),
      clusters: gone(previous.clusters, next.clusters),
      certificates: gone(previous.certificates, next.certificates),
    },
  };
}

/** True when there is nothing to publish. */
export function isEmptyChange({ set, remove }: UnitChanges): boolean {
  return UNIT_KINDS.every((kind) => remove[kind].length === 0 && Object.keys(set[kind]).length === 0);
}

/** The units after a delta; those that it does not name are the same objects as before. Keys come out sorted. */
export function applyDelta(units: SnapshotUnits, { set, remove }: UnitChanges): SnapshotUnits {
  return {
    listeners: applied(units.listeners, set.listeners, remove.listeners),
    virtualHosts: applied(units.virtualHosts, set.virtualHosts, remove.virtualHosts),
    clusters: applied(units.clusters, set.clusters, remove.clusters),
    certificates: applied(units.certificates, set.certificates, remove.certificates),
  };
}

type Units<V> = Readonly<Record<string, V>>;

function changed<V>(previous: Units<V>, next: Units<V>): Units<V> {
  if (previous === next) return {};
  const set: Record<string, V> = {};
  for (const [key, unit] of Object.entries(next)) {
    const known = previous[key];
    if (known !== unit && !isDeepStrictEqual(known, unit)) set[key] = unit;
  }
  return set;
}

function gone(previous: Units<unknown>, next: Units<unknown>): string[] {
  return previous === next ? [] : Object.keys(previous).filter((key) => !Object.hasOwn(next, key));
}

function applied<V>(units: Units<V>, set: Units<V>, remove: readonly string[]): Units<V> {
  const changedKeys = Object.keys(set);
  if (changedKeys.length === 0 && remove.length === 0) return units;
  const removed = new Set(remove);
  const kept = Object.keys(units).filter((key) => !removed.has(key) && !Object.hasOwn(set, key));
  const result: Record<string, V> = {};
  for (const key of [...kept, ...changedKeys].sort()) result[key] = (set[key] ?? units[key]) as V;
  return result;
}
