import type { Certificate } from './certificate.ts';
import type { Cluster } from './cluster.ts';
import type { Listener } from './listener.ts';
import type { VirtualHost } from './route.ts';

/** Version of the file format below; a worker refuses any other. */
export const SNAPSHOT_SCHEMA = 1;

/** The units of a snapshot by kind; each is keyed by its own `key`. */
export type SnapshotUnits = {
  readonly listeners: Readonly<Record<string, Listener>>;
  readonly virtualHosts: Readonly<Record<string, VirtualHost>>;
  readonly clusters: Readonly<Record<string, Cluster>>;
  readonly certificates: Readonly<Record<string, Certificate>>;
};

export type UnitKind = keyof SnapshotUnits;

/** Everything a worker needs to serve: plain, readonly, JSON-able. Built by control, compiled by workers. */
export type Snapshot = SnapshotUnits & {
  readonly schema: typeof SNAPSHOT_SCHEMA;
  /** Grows by one with each publication; never reused while the appliance's state directory lives. */
  readonly version: number;
};

/** What changed between two versions: units to set and keys to remove. `from: 0` means: on top of nothing (a full snapshot). */
export type SnapshotDelta = {
  readonly schema: typeof SNAPSHOT_SCHEMA;
  readonly from: number;
  readonly to: number;
  readonly set: { readonly [K in UnitKind]: Readonly<Record<string, SnapshotUnits[K][string]>> };
  readonly remove: { readonly [K in UnitKind]: readonly string[] };
};

/** A delta as workers read it: a cluster may still be its JSON text, since most of many are never asked for. */
export type WorkerDelta = Omit<SnapshotDelta, 'set'> & {
  readonly set: Omit<SnapshotDelta['set'], 'clusters'> & {
    readonly clusters: Readonly<Record<string, Cluster | string>>;
  };
};
