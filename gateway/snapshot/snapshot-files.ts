// Promises: the names, places and checked reading of snapshot files; a file of another schema is refused, never guessed at.
// Never: writes, or knows who publishes and who serves.
// Called by: control (to go on from what is served), workers (to load), recover-manifest.
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import type { Steps } from '../support/slices.ts';
import { SNAPSHOT_SCHEMA, type SnapshotDelta } from './snapshot.ts';

/** The files that lead to `version`, in order: one full snapshot (a delta from 0), then the deltas since. */
export type SnapshotManifest = { readonly version: number; readonly files: readonly string[] };

/** What led to version `after`, and then one more file: hundreds of names need not be told with each version. */
export type LongerManifest = { readonly after: number };

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

/** The version that a file leads to. */
export function versionOf(file: string): number {
  return Number(/(\d+)\.json$/.exec(file)?.[1] ?? Number.NaN);
}

/** Smaller files are parsed at once, larger ones in chunks: a request waits for either no longer than a fraction of a millisecond. */
const SMALL = 16 * 1024;
const CHUNK = 16 * 1024;

/** Reads one snapshot file. Throws an Error with a sentence when it is missing, cut short or of another schema. */
export function readSnapshotFile(file: string): SnapshotDelta {
  return checked(JSON.parse(readFileSync(file, 'utf8')), file);
}

/** The same, a large file in steps of some ten units: the units stand in lines of their own. */
export function* readSnapshotInSteps(file: string): Steps<SnapshotDelta> {
  if (statSync(file).size < SMALL) return readSnapshotFile(file);
  const frame: string[] = [];
  const set: Record<string, Record<string, unknown>> = {};
  let units: Record<string, unknown> = {};
  for (const lines of linesOf(file)) {
    yield;
    let batch = '';
    for (const line of lines) {
      const kind = /^"(\w+)":\{$/.exec(line)?.[1];
      if (line.startsWith(UNIT)) batch += line.slice(UNIT.length);
      else if (kind === undefined) frame.push(line);
      else {
        Object.assign(units, parsedUnits(batch));
        batch = '';
        set[kind] = units = {};
        frame.push(`"${kind}":{`);
      }
    }
    Object.assign(units, parsedUnits(batch));
  }
  const delta = checked(JSON.parse(frame.join('')), file);
  return { ...delta, set: { ...delta.set, ...set } };
}

/** Begins the line of a unit: JSON may have spaces there, and no other line does. */
export const UNIT = ' ';

/** Units as lines that all end with a comma but the last. */
function parsedUnits(lines: string): object {
  const bare = lines.endsWith(',') ? lines.slice(0, -1) : lines;
  return JSON.parse(`{${bare}}`) as object;
}

/** Whole lines, as many as a chunk of the file has. */
function* linesOf(file: string): Generator<string[]> {
  const descriptor = openSync(file, 'r');
  try {
    const decoder = new StringDecoder('utf8');
    const chunk = Buffer.allocUnsafe(CHUNK);
    let rest = '';
    for (let count = readSync(descriptor, chunk); count > 0; count = readSync(descriptor, chunk)) {
      const lines = (rest + decoder.write(chunk.subarray(0, count))).split('\n');
      rest = lines.pop() ?? '';
      yield lines;
    }
    yield [rest + decoder.end()];
  } finally {
    closeSync(descriptor);
  }
}

function checked(value: unknown, file: string): SnapshotDelta {
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
