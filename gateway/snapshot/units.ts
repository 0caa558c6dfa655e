import { SNAPSHOT_SCHEMA, type Snapshot, type SnapshotUnits } from './snapshot.ts';
import { UnitTable } from './unit-table.ts';

/** The units of a snapshot in tables: what is passed on from change to change. */
export type UnitTables = { readonly [K in keyof SnapshotUnits]: UnitTable<SnapshotUnits[K][string]> };

const made = new WeakMap<SnapshotUnits, UnitTables>();

/** Units as records, for whoever wants to see all of them; each record is made when it is first asked for. */
export function unitsOf(tables: UnitTables): SnapshotUnits {
  const units: SnapshotUnits = Object.freeze({
    get listeners() {
      return tables.listeners.record;
    },
    get virtualHosts() {
      return tables.virtualHosts.record;
    },
    get clusters() {
      return tables.clusters.record;
    },
    get certificates() {
      return tables.certificates.record;
    },
  });
  made.set(units, tables);
  return units;
}

/** A snapshot of these units, as {@link unitsOf}: a spread would make all records. */
export function snapshotOf(version: number, units: SnapshotUnits): Snapshot {
  const tables = tablesOf(units);
  const snapshot = Object.freeze(
    Object.defineProperties({ schema: SNAPSHOT_SCHEMA, version }, Object.getOwnPropertyDescriptors(unitsOf(tables))),
  ) as Snapshot;
  made.set(snapshot, tables);
  return snapshot;
}

/** The tables behind units; what was not made from tables is put into some. */
export function tablesOf(units: SnapshotUnits): UnitTables {
  return (
    made.get(units) ?? {
      listeners: UnitTable.of(units.listeners),
      virtualHosts: UnitTable.of(units.virtualHosts),
      clusters: UnitTable.of(units.clusters),
      certificates: UnitTable.of(units.certificates),
    }
  );
}
