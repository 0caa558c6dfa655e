import { type BigIntStats, constants } from 'node:fs';
import { access, lstat, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder, temporaryName } from '../../support/atomic-file.ts';

/** A file as it was read: it is only replaced while it is still this one. */
export type ReadFile = { readonly path: string; readonly text: string; readonly stats: BigIntStats };

/** `not-writable`: this file cannot be edited from here; `changed`: somebody else wrote it meanwhile. */
export class CannotReplace extends Error {
  override readonly name = 'CannotReplace';
  readonly kind: 'not-writable' | 'changed';

  constructor(kind: 'not-writable' | 'changed', message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Reads a file that is to be replaced, and checks beforehand that it may be. Throws {@link CannotReplace}. */
export async function readReplaceable(file: string): Promise<ReadFile> {
  const stats = await lstatOf(file);
  if (stats.isSymbolicLink())
    throw new CannotReplace(
      'not-writable',
      `${file} is a symbolic link: edit the file it leads to where it is kept (replacing the link would cut it off).`,
    );
  if (!stats.isFile()) throw new CannotReplace('not-writable', `${file} is not a regular file.`);
  await mayWrite(file, stats);
  const bytes = await readFile(file);
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) throw new CannotReplace('not-writable', `${file} is not valid UTF-8.`);
  return { path: file, text, stats };
}

/** Replaces the file as a whole, on disk when it resolves; mode and owner stay. Throws {@link CannotReplace}. */
export async function replaceFile(read: ReadFile, text: string): Promise<void> {
  const temporary = temporaryName(read.path);
  try {
    await writeLike(temporary, text, read.stats);
    if (!isSame(await lstatOf(read.path), read.stats))
      throw new CannotReplace(
        'changed',
        `${read.path} was changed by somebody else at the same moment; nothing was written.`,
      );
    await rename(temporary, read.path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error instanceof CannotReplace ? error : notWritable(read.path, error);
  }
  await syncFolder(path.dirname(read.path));
}

async function writeLike(file: string, text: string, { mode, uid, gid }: BigIntStats): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    const own = await handle.stat({ bigint: true });
    if (own.uid !== uid || own.gid !== gid) await handle.chown(Number(uid), Number(gid));
    await handle.chmod(Number(mode) & 0o7777);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function mayWrite(file: string, { uid }: BigIntStats): Promise<void> {
  try {
    await access(file, constants.R_OK | constants.W_OK);
    await access(path.dirname(file), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw notWritable(file, error);
  }
  const own = process.geteuid?.();
  if (own !== undefined && own !== 0 && uid !== BigInt(own))
    throw new CannotReplace(
      'not-writable',
      `${file} belongs to another user (uid ${uid}, this program runs as ${own}), and replacing it would change its owner: chown it, or edit it by hand.`,
    );
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

async function lstatOf(file: string): Promise<BigIntStats> {
  try {
    return await lstat(file, { bigint: true });
  } catch (error) {
    throw notWritable(file, error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this program may not write it or its folder: give its user the right to',
  EPERM: 'its owner and mode could not be kept',
  EROFS: 'its file system is mounted read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENOENT: 'it is not there any more',
};

function notWritable(file: string, error: unknown): CannotReplace {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return new CannotReplace('not-writable', `${file} cannot be written: ${REASONS[code] ?? code}. Nothing was changed.`);
}
