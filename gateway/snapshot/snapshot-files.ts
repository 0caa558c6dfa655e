// Promises: the names, places and checked reading of snapshot files; a file of another schema is refused, never guessed at.
// Never: writes, or knows who publishes and who serves.
// Called by: control (to go on from what is served), workers (to load), recover-manifest.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SNAPSHOT_SCHEMA, type SnapshotDelta } from './snapshot.ts';

/** The files that lead to `version`, in order: one full snapshot (a delta from 0), then the deltas since. */
export type SnapshotManifest = { readonly version: number; readonly files: readonly string[] };

/** Where snapshot files live; gone after a reboot. */
export function snapshotFolder(runtimeDir: string): string {
  return path.join(runtimeDir, 'snapshot');
}

export function fullName(version: number): string {
  return `full-${version}.json`;
}

export function deltaName(from: number, to: number): string {
  return `delta-${from}-${to}.json`;
}

/** Reads one snapshot file. Throws an Error with a sentence when it is missing, cut short or of another schema. */
export function readSnapshotFile(file: string): SnapshotDelta {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isDelta(value)) throw new Error(`${file} is not a snapshot of schema ${SNAPSHOT_SCHEMA}`);
  return value;
}

/** The frame is checked, the units inside are not: only this program writes these files, as a whole, with mode 0600. */
function isDelta(value: unknown): value is SnapshotDelta {
  if (typeof value !== 'object' || value === null) return false;
  const frame = value as Partial<Record<keyof SnapshotDelta, unknown>>;
  return (
    frame.schema === SNAPSHOT_SCHEMA &&
    typeof frame.from === 'number' &&
    typeof frame.to === 'number' &&
    hasUnitKinds(frame.set) &&
    hasUnitKinds(frame.remove)
  );
}

function hasUnitKinds(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'listeners' in value &&
    'virtualHosts' in value &&
    'clusters' in value &&
    'certificates' in value
  );
}
