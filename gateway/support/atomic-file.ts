import { closeSync, fchmodSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/** How durable a write is: `disk` survives a power cut (fsync of file and folder), `process` survives only the death of a process. */
export type Durability = 'disk' | 'process';

let serial = 0;

/** Written at once; what comes in pieces is gathered up to this. */
const CHUNK = 64 * 1024;

/** Content whose size is not known before; the loop runs on between its chunks. */
export type Pieces = Iterable<string>;

/**
 * Replaces `file` as a whole: a reader sees the old content or the new one, never a part. The new file has exactly `mode`.
 * A failed write leaves the old file as it was and nothing beside it.
 */
export async function writeFileAtomically(
  file: string,
  content: string | Uint8Array | Pieces,
  options: { readonly mode: number; readonly durability: Durability },
): Promise<void> {
  const temporary = temporaryName(file);
  try {
    const handle = await open(temporary, 'wx', options.mode);
    try {
      await handle.chmod(options.mode);
      await handle.writeFile(isWhole(content) ? content : inChunks(content));
      if (options.durability === 'disk') await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (options.durability === 'disk') await syncFolder(path.dirname(file));
}

function isWhole(content: string | Uint8Array | Pieces): content is string | Uint8Array {
  return typeof content === 'string' || content instanceof Uint8Array;
}

/** Pieces in chunks that are worth a write. */
export function* inChunks(pieces: Pieces): Generator<string> {
  let chunk = '';
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

/** The same, at once: for what is small and is waited for. */
export function writeFileAtomicallySync(
  file: string,
  content: string | Uint8Array,
  { mode, durability }: { readonly mode: number; readonly durability: Durability },
): void {
  const temporary = temporaryName(file);
  try {
    const descriptor = openSync(temporary, 'wx', mode);
    try {
      fchmodSync(descriptor, mode);
      writeFileSync(descriptor, content);
      if (durability === 'disk') fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Makes renames in `folder` survive a power cut; a file system that cannot is left alone. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EINVAL' || error.code === 'ENOTSUP')))
      throw error;
  } finally {
    await handle.close();
  }
}

/** Makes `folder` and its parents; only its owner may look inside. */
export function makePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
}

/** Beside the file, so that the rename stays inside one file system; hidden, so that folder watchers pass it over. */
export function temporaryName(file: string): string {
  serial += 1;
  return path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.${serial}.tmp`);
}
