import { type FSWatcher, watch } from 'node:fs';
import path from 'node:path';
import { kindOfName } from './file-names.ts';

export type FolderWatchEvents = {
  /** Created, moved in or away, deleted. */
  readonly renamed: (file: string) => void;
  /** Written in place. */
  readonly written: (file: string) => void;
  /** Something happened that only a full look can tell: a folder came or went, a link was swapped, a watch was lost. */
  readonly unclear: () => void;
  /** A folder cannot be watched (ENOSPC: the kernel's limit); undefined when all are watched again. */
  readonly unwatched: (code: string | undefined) => void;
};

/** So many events between two looks, and the kernel's queue (16384) may have overflowed, which Node does not tell. */
const OVERFLOW_EVENTS = 4_096;

/**
 * Watches the folder, its subfolders, and its parent (to see the folder itself replaced). One inotify watch a folder,
 * none a file. Whatever it misses the rescan finds.
 */
export class FolderWatch {
  readonly #root: string;
  readonly #events: FolderWatchEvents;
  readonly #watchers = new Map<string, { readonly identity: string; readonly watcher: FSWatcher }>();
  #parent: FSWatcher | undefined;
  #burst = 0;
  #failed: string | undefined;

  constructor(root: string, events: FolderWatchEvents) {
    this.#root = root;
    this.#events = events;
  }

  /** Makes sure that `folder` is watched, and that it is this inode that is. */
  add(folder: string, identity: string): void {
    this.#watchParent();
    const known = this.#watchers.get(folder);
    if (known?.identity === identity) return;
    known?.watcher.close();
    this.#watchers.delete(folder);
    try {
      const watcher = watch(folder, (event, name) => this.#heard(folder, event, name));
      watcher.on('error', () => this.#lost(folder, watcher));
      this.#watchers.set(folder, { identity, watcher });
    } catch (error) {
      this.#fail(error instanceof Error && 'code' in error ? String(error.code) : String(error));
    }
  }

  /** Drops the watches of folders that a scan has not met. */
  keepOnly(folders: ReadonlySet<string>): void {
    for (const [folder, { watcher }] of this.#watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    if (this.#failed !== undefined && [...folders].every((folder) => this.#watchers.has(folder))) this.#fail(undefined);
  }

  close(): void {
    this.#parent?.close();
    this.#parent = undefined;
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #heard(folder: string, event: string, name: string | null): void {
    this.#burst += 1;
    if (this.#burst === 1)
      setImmediate(() => {
        if (this.#burst >= OVERFLOW_EVENTS) this.#events.unclear();
        this.#burst = 0;
      });
    if (name === null) return this.#events.unclear();
    const file = path.join(folder, name);
    const kind = kindOfName(name);
    if (kind === 'objects') {
      if (event === 'change') this.#events.written(file);
      else this.#events.renamed(file);
    }
    // Its own name tells of the folder itself: deleted, moved, unmounted.
    else if (kind === 'swap' || name === path.basename(folder) || this.#watchers.has(file)) this.#events.unclear();
    // Perhaps a new subfolder.
    else if (kind === 'other' && event === 'rename') this.#events.renamed(file);
  }

  #lost(folder: string, watcher: FSWatcher): void {
    watcher.close();
    if (this.#watchers.get(folder)?.watcher === watcher) this.#watchers.delete(folder);
    this.#events.unclear();
  }

  /** Without it, a folder replaced by another is seen by the rescan only. */
  #watchParent(): void {
    if (this.#parent !== undefined) return;
    const parent = path.dirname(this.#root);
    try {
      this.#parent = watch(parent, (_event, name) => {
        if (name === null || name === path.basename(this.#root)) this.#events.unclear();
      });
      this.#parent.on('error', () => {
        this.#parent?.close();
        this.#parent = undefined;
      });
    } catch {
      this.#parent = undefined;
    }
  }

  #fail(code: string | undefined): void {
    if (this.#failed === code) return;
    this.#failed = code;
    this.#events.unwatched(code);
  }
}
