// Promises: what the workers serve at start, before control has read anything: the last good snapshot of this node.
// Never: reads units or keys into memory (files are copied by the kernel), throws for a broken state folder, imports control.
// Called by: the supervisor role at start (recoverManifest); control's publisher writes what is read here.
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { SNAPSHOT_SCHEMA } from './snapshot.ts';
import { fullName, type SnapshotManifest, snapshotFolder } from './snapshot-files.ts';

/** Describes the full snapshot beside it; written after it, so that what it names is whole. */
export type LastGood = {
  readonly schema: typeof SNAPSHOT_SCHEMA;
  readonly version: number;
  readonly file: string;
  readonly bytes: number;
};

export function lastGoodFolder(stateDir: string): string {
  return path.join(stateDir, 'last-good');
}

/** Name of the file inside the last-good folder that holds a {@link LastGood}. */
export const LAST_GOOD_MANIFEST = 'manifest.json';

/**
 * Empties the runtime folder's snapshots (their owner is gone) and puts the last good one there.
 * Null when there is none, or one of another schema, or it cannot be read: workers then wait for control.
 */
export function recoverManifest(places: {
  readonly stateDir: string;
  readonly runtimeDir: string;
}): SnapshotManifest | null {
  const folder = snapshotFolder(places.runtimeDir);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(folder)) rmSync(path.join(folder, name), { recursive: true, force: true });
    const lastGood = readLastGood(places.stateDir);
    if (lastGood === undefined) return null;
    const name = fullName(lastGood.version);
    const copy = path.join(folder, name);
    copyFileSync(path.join(lastGoodFolder(places.stateDir), lastGood.file), copy);
    chmodSync(copy, 0o600);
    return { version: lastGood.version, files: [name] };
  } catch {
    // A state folder that cannot be read is no reason not to start: control reports it, and publishes anew.
    return null;
  }
}

/** The last good snapshot of this node, when there is one that this program can load. */
export function readLastGood(stateDir: string): LastGood | undefined {
  const folder = lastGoodFolder(stateDir);
  try {
    const value: unknown = JSON.parse(readFileSync(path.join(folder, LAST_GOOD_MANIFEST), 'utf8'));
    if (!isLastGood(value) || statSync(path.join(folder, value.file)).size !== value.bytes) return undefined;
    return value;
  } catch {
    return undefined;
  }
}

/** When the last good snapshot was kept: seconds after all workers served it. Milliseconds since the epoch. */
export function lastGoodKeptAt(stateDir: string): number | undefined {
  return statSync(path.join(lastGoodFolder(stateDir), LAST_GOOD_MANIFEST), { throwIfNoEntry: false })?.mtimeMs;
}

function isLastGood(value: unknown): value is LastGood {
  if (typeof value !== 'object' || value === null) return false;
  const { schema, version, file, bytes } = value as Partial<Record<keyof LastGood, unknown>>;
  return (
    schema === SNAPSHOT_SCHEMA &&
    Number.isSafeInteger(version) &&
    typeof file === 'string' &&
    path.basename(file) === file &&
    typeof bytes === 'number'
  );
}
