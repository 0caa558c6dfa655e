// Promises: the names, places and checked reading of snapshot files; a file of another schema is refused, never guessed at.
// Never: writes, or knows who publishes and who serves.
// Called by: control (to go on from what is served), workers (to load), recover-manifest.
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';
import type { Steps } from '../support/slices.ts';
import { SNAPSHOT_SCHEMA, type SnapshotDelta, type WorkerDelta } from './snapshot.ts';

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

/** So much is read and parsed at a time: a request waits for it no longer than a fraction of a millisecond. */
const CHUNK = 16 * 1024;

/** Reads one snapshot file. Throws an Error with a sentence when it is missing, cut short or of another schema. */
export function readSnapshotFile(file: string): SnapshotDelta {
  return checked(JSON.parse(readFileSync(file, 'utf8')), file);
}

/** The same in steps of some ten units, for a worker: the units stand in lines of their own, and clusters stay text. */
export function* readSnapshotInSteps(file: string): Steps<WorkerDelta> {
  const frame: string[] = [];
  const set: Record<string, Record<string, unknown>> = {};
  let units: Record<string, unknown> = {};
  for (const lines of linesOf(file)) {
    let batch = '';
    for (const line of lines) {
      const kind = /^"(\w+)":\{$/.exec(line)?.[1];
      if (line.startsWith(UNIT)) {
        if (units === set['clusters']) keepText(units, line);
        else batch += line.slice(UNIT.length);
      } else if (kind === undefined) frame.push(line);
      else {
        Object.assign(units, parsedUnits(batch));
        batch = '';
        set[kind] = units = {};
        frame.push(`"${kind}":{`);
      }
    }
    Object.assign(units, parsedUnits(batch));
    yield;
  }
  const delta = checked(JSON.parse(frame.join('')), file);
  return { ...delta, set: { ...delta.set, ...set } };
}

/** Begins the line of a unit: JSON may have spaces there, and no other line does. */
export const UNIT = ' ';

/** Units as lines that all end with a comma but the last. */
function parsedUnits(lines: string): object {
  return JSON.parse(`{${withoutComma(lines)}}`) as object;
}

/** The line of a unit as its key and the text of its value. */
function keepText(units: Record<string, unknown>, line: string): void {
  const [start, key] = /^ ("(?:[^"\\]|\\.)*"):/.exec(line) ?? [];
  if (start === undefined || key === undefined) throw new Error(`the line of a unit has no key: ${line.slice(0, 80)}`);
  units[JSON.parse(key) as string] = withoutComma(line).slice(start.length);
}

function withoutComma(lines: string): string {
  return lines.endsWith(',') ? lines.slice(0, -1) : lines;
}

/** Whole lines, as many as a chunk of the file has. Each is a string of its own: a part of a longer one would keep that. */
function* linesOf(file: string): Generator<string[]> {
  const descriptor = openSync(file, 'r');
  try {
    const chunk = Buffer.allocUnsafe(CHUNK);
    let begun: Buffer[] = [];
    for (let count = readSync(descriptor, chunk); count > 0; count = readSync(descriptor, chunk)) {
      const bytes = chunk.subarray(0, count);
      const lines: string[] = [];
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
        lines.push(begun.length === 0 ? bytes.toString('utf8', start, end) : joined(begun, bytes.subarray(start, end)));
        begun = [];
        start = end + 1;
      }
      if (start < count) begun.push(Buffer.from(bytes.subarray(start)));
      yield lines;
    }
    yield [joined(begun)];
  } finally {
    closeSync(descriptor);
  }
}

const NEWLINE = 0x0a;

function joined(begun: readonly Buffer[], ...rest: readonly Buffer[]): string {
  return Buffer.concat([...begun, ...rest]).toString('utf8');
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
