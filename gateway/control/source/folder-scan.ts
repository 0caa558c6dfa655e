import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { kindOfName } from './file-names.ts';

/** Everything of interest in the folder, at one moment. */
export type FolderListing = {
  /** Files that may hold objects, by path. */
  readonly files: ReadonlyMap<string, BigIntStats>;
  /** What could not be looked at (files, subfolders, the folder itself), with the error's code: not taken for gone. */
  readonly unreadable: ReadonlyMap<string, string>;
  /** Device and inode of the folder itself; undefined when it is gone. */
  readonly identity: string | undefined;
};

const PARALLEL = 32;

/**
 * Lists the folder and its subfolders, following links, without reading any file. `onFolder` is called with each folder
 * BEFORE it is listed, so that a watch set there misses nothing.
 */
export async function scanFolder(
  root: string,
  onFolder: (folder: string, identity: string) => void,
): Promise<FolderListing> {
  const files = new Map<string, BigIntStats>();
  const unreadable = new Map<string, string>();
  const seen = new Set<string>();
  let identity: string | undefined;

  async function visit(folder: string): Promise<void> {
    let names: string[];
    try {
      const stats = await stat(folder, { bigint: true });
      const inode = `${stats.dev}:${stats.ino}`;
      if (!stats.isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
      if (seen.has(inode)) return;
      seen.add(inode);
      onFolder(folder, inode);
      names = await readdir(folder);
      if (folder === root) identity = inode;
    } catch (error) {
      unreadable.set(folder, codeOf(error));
      return;
    }
    const folders: string[] = [];
    await eachOf(names, async (name) => {
      const kind = kindOfName(name);
      if (kind === 'ignored' || kind === 'swap') return;
      const full = path.join(folder, name);
      const stats = await statOrUndefined(full).catch((error: unknown) => void unreadable.set(full, codeOf(error)));
      if (stats?.isDirectory()) folders.push(full);
      else if (stats !== undefined && kind === 'objects') files.set(full, stats);
    });
    for (const subfolder of folders.sort()) await visit(subfolder);
  }

  await visit(root);
  return { files, unreadable, identity };
}

/** Undefined when it does not exist (any more), or is a link to nothing. Throws when that cannot be told. */
export async function statOrUndefined(file: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(file, { bigint: true });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) return undefined;
    throw error;
  }
}

/** Runs `action` for all, a bounded number at a time. */
export async function eachOf<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next] as T; // next < items.length
      next += 1;
      await action(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, lane));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
