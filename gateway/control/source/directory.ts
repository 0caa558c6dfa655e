// Promises: the objects of a folder as events, soon after each change: renames at once, writes in place after quiet, the rest by a rescan.
// Never: reads a file that did not change, takes a vanished folder for an order, lets one broken file touch the objects of another.
// Called by: roles/control.ts, which hands its events to the controller.
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { realTimers, type Timers } from '../../support/timers.ts';
import type { UnreadPolicy } from '../resource/policies/unread.ts';
import type { ResourceKey } from '../resource/resource.ts';
import type { ParsedFile } from '../resource/yaml-documents.ts';
import { Claims } from './claims.ts';
import { comparePaths, isInside, kindOfName } from './file-names.ts';
import { folderProblems } from './folder-problems.ts';
import { eachOf, type FolderListing, scanFolder, statOrUndefined } from './folder-scan.ts';
import { FolderWatch } from './folder-watch.ts';
import { heldMessage, isEmptinessObeyed } from './hold.ts';
import { identityOf, knownFile, type ObjectFile, readObjectFile } from './object-file.ts';
import { QUIET_MS, type Settled, Settling } from './settling.ts';
import type { KnownObject, ObjectSource, SourceEvent, SourceProblem, SourceStatus } from './source.ts';

/** Whatever the watch missed is found after so long. */
const RESCAN_MS = 30_000;
/** The same while the folder is gone or cannot be watched. */
const IMPATIENT_RESCAN_MS = 1_000;

export type DirectoryOptions = {
  readonly folder: string;
  /** What was accepted from this folder before a restart; held until the first look has judged it. */
  readonly known: Iterable<KnownObject>;
  /** Events of one look come in one turn of the loop. */
  readonly emit: (event: SourceEvent) => void;
  /** A look failed in an unforeseen way; the next rescan tries again. */
  readonly onDefect: (error: unknown) => void;
  readonly timers?: Timers;
};

/** A folder of YAML and JSON files as a source of objects. */
export class DirectorySource implements ObjectSource {
  readonly folder: string;
  readonly #options: DirectoryOptions;
  readonly #timers: Timers;
  readonly #settling: Settling;
  readonly #watch: FolderWatch;
  readonly #claims = new Claims();
  readonly #files = new Map<string, ObjectFile>();
  /** Files with something to say in the list of problems. */
  readonly #troubled = new Set<string>();
  /** Files with something unreadable that may guard hosts. */
  readonly #guarding = new Set<string>();
  #unreadable: ReadonlyMap<string, string> = new Map();
  #unwatched: string | undefined;
  #identity: string | undefined;
  #held: string | undefined;
  #synced = false;
  #closed = false;
  #toldProblems = '[]';
  #toldUnread: readonly UnreadPolicy[] = [];
  #work: Promise<void> = Promise.resolve();
  #scanWanted = false;
  #cancelRescan: (() => void) | undefined;

  constructor(options: DirectoryOptions) {
    this.folder = options.folder;
    this.#options = options;
    this.#timers = options.timers ?? realTimers;
    this.#settling = new Settling({ timers: this.#timers, ready: (paths) => this.#enqueue(() => this.#look(paths)) });
    this.#watch = new FolderWatch(options.folder, {
      renamed: (file) => this.#settling.renamed(file),
      written: (file) => this.#settling.written(file),
      unclear: () => this.#wantScan(),
      unwatched: (code) => {
        this.#unwatched = code;
      },
    });
    this.#adopt(options.known);
  }

  /** Reads everything; resolves when `synced` was told. */
  async start(): Promise<void> {
    this.#enqueue(() => this.#scan());
    await this.#work;
  }

  /** Looks at one file now, without waiting for quiet: for its own writer. Resolves when its events were told. */
  async refresh(file: string): Promise<void> {
    this.#enqueue(() => this.#look([{ path: file, kind: 'asked' }]));
    await this.#work;
  }

  /** A file as it was last parsed, so that another look at it costs what has changed. */
  parsed(file: string): ParsedFile | undefined {
    return this.#files.get(file)?.parsed;
  }

  /** Set while a sudden emptiness is held and not obeyed. */
  get held(): string | undefined {
    return this.#held;
  }

  get synced(): boolean {
    return this.#synced;
  }

  status(): SourceStatus {
    const held = this.#held;
    return {
      kind: 'folder',
      location: this.folder,
      synced: this.#synced,
      ...(held !== undefined && { held, trouble: held }),
    };
  }

  close(): void {
    this.#closed = true;
    this.#cancelRescan?.();
    this.#settling.close();
    this.#watch.close();
  }

  #adopt(known: Iterable<KnownObject>): void {
    const byFile = Map.groupBy(known, (object) => object.file);
    for (const [file, objects] of byFile) {
      const adopted = knownFile(
        file,
        objects.map((object) => object.key),
      );
      this.#files.set(file, adopted);
      this.#claims.adopt(adopted);
    }
  }

  /** Looks never overlap. */
  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work
      .then(() => (this.#closed ? undefined : work()))
      .catch((error: unknown) => this.#options.onDefect(error));
  }

  #wantScan(): void {
    if (this.#scanWanted) return;
    this.#scanWanted = true;
    this.#timers.after(5, () => this.#enqueue(() => this.#scan()));
  }

  #planRescan(): void {
    this.#cancelRescan?.();
    if (this.#closed) return;
    // A mount over the folder raises no event.
    const impatient = this.#held !== undefined || this.#unreadable.has(this.folder) || this.#unwatched !== undefined;
    this.#cancelRescan = this.#timers.after(impatient ? IMPATIENT_RESCAN_MS : RESCAN_MS, () => this.#wantScan());
  }

  async #scan(): Promise<void> {
    this.#scanWanted = false;
    try {
      const folders = new Set<string>();
      const listing = await scanFolder(this.folder, (folder, identity) => {
        folders.add(folder);
        this.#watch.add(folder, identity);
      });
      if (this.#closed) return this.#watch.close();
      this.#watch.keepOnly(folders);
      this.#unreadable = listing.unreadable;
      const gone = [...this.#files.keys()].filter((file) => isGone(file, listing));
      const changed = await this.#readChanged(listing);
      if (this.#synced) for (const file of gone) this.#settling.gone(file);
      this.#apply(changed, this.#synced ? [] : gone, listing);
    } finally {
      this.#planRescan();
    }
  }

  async #readChanged(listing: FolderListing): Promise<ObjectFile[]> {
    const changed: ObjectFile[] = [];
    await eachOf([...listing.files], async ([file, stats]) => {
      const identity = identityOf(stats);
      const previous = this.#files.get(file);
      if (previous?.identity === identity) return;
      const ageMs = Date.now() - Number(stats.mtimeMs);
      if (this.#synced && ageMs >= 0 && ageMs < QUIET_MS) this.#settling.written(file);
      else changed.push(await readObjectFile(file, identity, previous));
    });
    return changed;
  }

  async #look(paths: readonly (Settled | { readonly path: string; readonly kind: 'asked' })[]): Promise<void> {
    const changed: ObjectFile[] = [];
    const gone: string[] = [];
    await eachOf(paths, async ({ path: file, kind }) => {
      // A newer event will have its turn.
      const isOutdated = (): boolean => kind !== 'asked' && this.#settling.isWaiting(file);
      if (isOutdated()) return;
      const stats = await statOrUndefined(file);
      if (stats?.isDirectory()) return this.#wantScan();
      if (kindOfName(path.basename(file)) !== 'objects') return;
      if (stats === undefined) {
        if (kind === 'gone') gone.push(file);
        else if (this.#files.has(file)) this.#settling.gone(file);
        return;
      }
      const identity = identityOf(stats);
      const previous = this.#files.get(file);
      if (previous?.identity === identity) return;
      // A new file of no bytes is about to be written.
      if (kind === 'renamed' && stats.size === 0n) return this.#settling.written(file);
      const read = await readObjectFile(file, identity, previous);
      // One poll of the loop later, every event from before the reading has arrived.
      if (kind === 'renamed') await turn();
      if (!isOutdated()) changed.push(read);
    });
    if (gone.length > 0) return this.#remove(changed, gone);
    this.#apply(changed, [], undefined);
  }

  /** Before files are believed gone, the folder itself is looked at. */
  async #remove(changed: readonly ObjectFile[], gone: readonly string[]): Promise<void> {
    const listing = await scanFolder(this.folder, () => undefined);
    this.#unreadable = listing.unreadable;
    this.#apply(
      changed,
      gone.filter((file) => isGone(file, listing)),
      listing,
    );
    this.#planRescan();
  }

  #apply(changed: readonly ObjectFile[], gone: readonly string[], listing: FolderListing | undefined): void {
    if (this.#closed) return;
    if (listing !== undefined) this.#judgeEmptiness(listing);
    else if (this.#held !== undefined && changed.length > 0) this.#wantScan();
    const touched = new Set<ResourceKey>();
    for (const after of changed.toSorted((a, b) => comparePaths(a.path, b.path)))
      this.#replace(after.path, after, touched);
    if (this.#held === undefined) for (const file of gone) this.#replace(file, undefined, touched);
    for (const event of this.#claims.tell(touched)) this.#options.emit(event);
    this.#tellProblems();
    this.#tellUnread();
    if (!this.#synced) {
      this.#synced = true;
      this.#options.emit({ type: 'synced' });
    }
  }

  #replace(file: string, after: ObjectFile | undefined, touched: Set<ResourceKey>): void {
    const before = this.#files.get(file);
    for (const key of this.#claims.replace(before, after)) touched.add(key);
    if (after === undefined) this.#files.delete(file);
    else this.#files.set(file, after);
    if (after !== undefined && after.problems.length > 0) this.#troubled.add(file);
    else this.#troubled.delete(file);
    if (after !== undefined && after.unread.length > 0) this.#guarding.add(file);
    else this.#guarding.delete(file);
  }

  #judgeEmptiness(listing: FolderListing): void {
    const fault = listing.unreadable.get(this.folder);
    const known = this.#files.size;
    const sameFolder = listing.identity !== undefined && listing.identity === this.#identity;
    if (listing.files.size > 0) this.#identity = listing.identity;
    const obeyed =
      known === 0 || (fault === undefined && (listing.files.size > 0 || isEmptinessObeyed({ known, sameFolder })));
    this.#held = obeyed ? undefined : heldMessage(this.folder, this.#claims.size, fault);
  }

  #tellProblems(): void {
    const problems = this.#problems();
    const text = JSON.stringify(problems);
    if (text === this.#toldProblems) return;
    this.#toldProblems = text;
    this.#options.emit({ type: 'problems', problems });
  }

  #tellUnread(): void {
    const unread = [
      ...[...this.#guarding].sort(comparePaths).flatMap((file) => this.#files.get(file)?.unread ?? []),
      ...this.#claims.ignoredPolicies(),
    ];
    if (isDeepStrictEqual(unread, this.#toldUnread)) return;
    this.#toldUnread = unread;
    this.#options.emit({ type: 'unread', unread });
  }

  #problems(): SourceProblem[] {
    const problems = folderProblems({
      folder: this.folder,
      held: this.#held,
      unreadable: this.#unreadable,
      unwatched: this.#unwatched,
    });
    for (const file of [...this.#troubled].sort(comparePaths)) {
      const { problems: faults, held } = this.#files.get(file) ?? { problems: [], held: [] };
      for (const problem of faults) problems.push({ problem, holds: held });
    }
    for (const problem of this.#claims.duplicates()) problems.push({ problem, holds: [] });
    return problems;
  }
}

/** Not there, and not merely out of sight. */
function isGone(file: string, listing: FolderListing): boolean {
  if (listing.files.has(file) || listing.unreadable.has(file)) return false;
  for (const place of listing.unreadable.keys()) if (isInside(file, place)) return false;
  return true;
}
