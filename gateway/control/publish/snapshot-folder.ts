import { statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { applyDelta, NO_UNITS, type UnitChanges } from '../../snapshot/diff.ts';
import type { Snapshot, SnapshotUnits } from '../../snapshot/snapshot.ts';
import {
  deltaName,
  fullName,
  readSnapshotFile,
  type SnapshotManifest,
  snapshotFolder,
} from '../../snapshot/snapshot-files.ts';
import { snapshotOf } from '../../snapshot/units.ts';
import { makePrivateFolder, writeFileAtomically } from '../../support/atomic-file.ts';
import type { Timers } from '../../support/timers.ts';
import { deltaText, fullText } from './snapshot-text.ts';

/** A worker that starts loads one full snapshot and so many deltas, or more while they are small. */
const FEW_DELTAS = 64;
const MAX_DELTAS = 512;
/** A worker that starts may still be reading a file that the newest manifest does not name. */
const GARBAGE_MS = 30_000;

/** A file that was written, and what a worker must load that starts after it is applied. */
export type WrittenSnapshot = { readonly file: string; readonly manifest: SnapshotManifest };

/** The snapshot files in the runtime folder: what was published, in the form that workers load. */
export class SnapshotFolder {
  readonly #folder: string;
  readonly #timers: Timers;
  readonly #bytes = new Map<string, number>();
  readonly #garbage = new Map<string, number>();
  /** What leads to the served version in the fewest files. */
  #manifest: SnapshotManifest | null;
  /** What the supervisor gives to a worker that starts now. */
  #handedOut: SnapshotManifest | null;

  constructor(runtimeDir: string, manifest: SnapshotManifest | null, timers: Timers) {
    this.#folder = snapshotFolder(runtimeDir);
    this.#timers = timers;
    this.#manifest = manifest;
    this.#handedOut = manifest;
    makePrivateFolder(this.#folder);
  }

  /** What the workers serve already; undefined when there is nothing, or it cannot be read. */
  load(): Snapshot | undefined {
    if (this.#manifest === null) return undefined;
    try {
      let units = NO_UNITS;
      for (const name of this.#manifest.files) {
        const file = path.join(this.#folder, name);
        units = applyDelta(units, readSnapshotFile(file));
        this.#bytes.set(name, statSync(file).size);
      }
      return snapshotOf(this.#manifest.version, units);
    } catch {
      this.#manifest = null;
      return undefined;
    }
  }

  /** Writes all units: workers that serve anything else drop it. */
  async writeFull(version: number, units: SnapshotUnits): Promise<WrittenSnapshot> {
    const file = fullName(version);
    await this.#write(file, fullText(version, units));
    return { file, manifest: { version, files: [file] } };
  }

  async writeDelta(from: number, version: number, changes: UnitChanges): Promise<WrittenSnapshot> {
    const file = deltaName(from, version);
    await this.#write(file, deltaText(from, version, changes));
    return { file, manifest: { version, files: [...(this.#manifest?.files ?? []), file] } };
  }

  /** The workers serve it, and those that start load it. */
  applied(manifest: SnapshotManifest): void {
    this.#manifest = manifest;
    this.#handedOut = manifest;
  }

  /**
   * Writes what is served now as one file that stands for all files so far. Publications go on
   * meanwhile: their deltas follow it. Workers hear of it with the next publication.
   */
  async shorten(served: Snapshot): Promise<void> {
    const covered = this.#manifest?.files ?? [];
    const file = fullName(served.version);
    await this.#write(file, fullText(served.version, served));
    const manifest = this.#manifest;
    // A full snapshot was published meanwhile: that is shorter still.
    if (manifest === null || covered.some((name, index) => manifest.files[index] !== name)) return;
    this.#manifest = { version: manifest.version, files: [file, ...manifest.files.slice(covered.length)] };
  }

  /** True when a worker that starts would load more deltas than a new full snapshot is worth. */
  isLong(): boolean {
    const [full, ...deltas] = this.#manifest?.files ?? [];
    if (full === undefined) return false;
    const bytes = deltas.reduce((sum, name) => sum + (this.#bytes.get(name) ?? 0), 0);
    const fullBytes = this.#bytes.get(full) ?? 0;
    if (deltas.length > FEW_DELTAS) return deltas.length > MAX_DELTAS || bytes > fullBytes / 16;
    return deltas.length > 1 && bytes > fullBytes / 2;
  }

  /** Removes files that no manifest has named for a while. Failing to is no harm: the next sweep tries again. */
  async sweep(): Promise<void> {
    const now = this.#timers.now();
    const named = new Set([...(this.#manifest?.files ?? []), ...(this.#handedOut?.files ?? [])]);
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names) {
      if (named.has(name)) continue;
      const since = this.#garbage.get(name) ?? now;
      this.#garbage.set(name, since);
      if (now - since < GARBAGE_MS) continue;
      await rm(path.join(this.#folder, name), { recursive: true, force: true }).catch(() => undefined);
      this.#garbage.delete(name);
      this.#bytes.delete(name);
    }
  }

  async #write(file: string, text: Generator<string>): Promise<void> {
    const place = path.join(this.#folder, file);
    await writeFileAtomically(place, text, { mode: 0o600, durability: 'process' });
    this.#bytes.set(file, statSync(place).size);
  }
}
