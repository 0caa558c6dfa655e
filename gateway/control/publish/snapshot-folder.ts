import { readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { applyDelta, NO_UNITS, type UnitChanges } from '../../snapshot/diff.ts';
import type { Snapshot, SnapshotUnits } from '../../snapshot/snapshot.ts';
import {
  deltaName,
  fullName,
  type LongerManifest,
  readSnapshotFile,
  type SnapshotManifest,
  snapshotFolder,
} from '../../snapshot/snapshot-files.ts';
import { snapshotOf } from '../../snapshot/units.ts';
import {
  inChunks,
  makePrivateFolder,
  writeFileAtomically,
  writeFileAtomicallySync,
} from '../../support/atomic-file.ts';
import type { Timers } from '../../support/timers.ts';
import { deltaText, fullText } from './snapshot-text.ts';

/** A worker that starts loads one full snapshot and at most so many deltas, which together are no longer than that. */
const MAX_DELTAS = 512;
/** A worker that starts may still be reading a file that the newest manifest does not name. */
const GARBAGE_MS = 30_000;
/** Looked for this often at most. */
const SWEEP_MS = 1_000;

/** A file that was written, and what a worker must load that starts after it is applied. */
export type WrittenSnapshot = { readonly file: string; readonly manifest: SnapshotManifest | LongerManifest };

/** The snapshot files in the runtime folder: what was published, in the form that workers load. */
export class SnapshotFolder {
  readonly #folder: string;
  readonly #timers: Timers;
  readonly #bytes = new Map<string, number>();
  /** Everything in the folder; nobody else writes there. */
  readonly #names: Set<string>;
  /** Since when nobody is told of them. */
  readonly #garbage = new Map<string, number>();
  #sweepAt = 0;
  /** What leads to the served version in the fewest files. */
  #manifest: SnapshotManifest | null;
  /** What the supervisor gives to a worker that starts now. */
  #handedOut: SnapshotManifest | null;
  /** So long are the deltas of the first together. */
  #deltaBytes = 0;

  constructor(runtimeDir: string, manifest: SnapshotManifest | null, timers: Timers) {
    this.#folder = snapshotFolder(runtimeDir);
    this.#timers = timers;
    this.#manifest = manifest;
    this.#handedOut = manifest;
    makePrivateFolder(this.#folder);
    this.#names = new Set(readdirSync(this.#folder));
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
      this.#deltaBytes = this.#sizeOf(this.#manifest.files.slice(1));
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
    const known = this.#manifest;
    // The names need not be told again while they are those that the supervisor knows.
    if (known !== null && known === this.#handedOut && known.version === from)
      return { file, manifest: { after: from } };
    return { file, manifest: { version, files: [...(known?.files ?? []), file] } };
  }

  /** The workers serve it, and those that start load it. */
  applied(version: number, { file, manifest }: WrittenSnapshot): void {
    const [before, shortest] = [this.#handedOut, this.#manifest];
    const handedOut = 'files' in manifest ? manifest.files : [...(before?.files ?? []), file];
    this.#handedOut = { version, files: handedOut };
    // It may have been shortened since this file was written.
    const isShorter = shortest !== null && handedOut[0] !== file && shortest.files.length + 1 < handedOut.length;
    this.#setManifest(isShorter ? { version, files: [...shortest.files, file] } : this.#handedOut);
    if (before?.files[0] !== handedOut[0]) this.#noteGarbage();
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
    this.#setManifest({ version: manifest.version, files: [file, ...manifest.files.slice(covered.length)] });
  }

  /** True when a worker that starts would load more deltas than a new full snapshot is worth. */
  isLong(): boolean {
    const files = this.#manifest?.files ?? [];
    if (files.length > 1 + MAX_DELTAS) return true;
    return files.length > 2 && this.#deltaBytes > (this.#bytes.get(files[0] ?? '') ?? 0);
  }

  #setManifest(manifest: SnapshotManifest): void {
    const before = this.#manifest;
    const isLonger = before?.files[0] === manifest.files[0];
    const news = this.#sizeOf(manifest.files.slice(isLonger ? before?.files.length : 1));
    this.#deltaBytes = isLonger ? this.#deltaBytes + news : news;
    this.#manifest = manifest;
  }

  #sizeOf(names: readonly string[]): number {
    return names.reduce((sum, name) => sum + (this.#bytes.get(name) ?? 0), 0);
  }

  /** Removes files that no manifest has named for a while. Failing to is no harm: the next sweep tries again. */
  async sweep(): Promise<void> {
    const now = this.#timers.now();
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + SWEEP_MS;
    this.#noteGarbage();
    for (const [name, since] of this.#garbage) {
      if (now - since < GARBAGE_MS) continue;
      try {
        await rm(path.join(this.#folder, name), { recursive: true, force: true });
      } catch {
        continue;
      }
      this.#names.delete(name);
      this.#garbage.delete(name);
      this.#bytes.delete(name);
    }
  }

  #noteGarbage(): void {
    const now = this.#timers.now();
    const named = new Set([...(this.#manifest?.files ?? []), ...(this.#handedOut?.files ?? [])]);
    for (const name of this.#names) {
      if (named.has(name)) this.#garbage.delete(name);
      else if (!this.#garbage.has(name)) this.#garbage.set(name, now);
    }
  }

  async #write(file: string, text: Generator<string>): Promise<void> {
    const place = path.join(this.#folder, file);
    this.#names.add(file);
    const options = { mode: 0o600, durability: 'process' } as const;
    const chunks = inChunks(text);
    const first = chunks.next();
    const second = chunks.next();
    // Most versions are a few units: five calls to the system at once cost less than to have other threads make them.
    if (second.done === true) writeFileAtomicallySync(place, first.value ?? '', options);
    else await writeFileAtomically(place, afterThese([first.value ?? '', second.value], chunks), options);
    this.#bytes.set(file, statSync(place).size);
  }
}

function* afterThese(chunks: readonly string[], rest: Iterable<string>): Generator<string> {
  yield* chunks;
  yield* rest;
}
