import { readFileSync, statSync } from 'node:fs';
import { AccessError } from './cluster-access.ts';

/** Far more than any kubeconfig, bundle or token. */
const MAX_BYTES = 4 * 1024 * 1024;

/** The bits of a file's mode by which everybody may read or write. */
const OTHERS = 0o006n;

/** A small file that others renew in place. What was read once is kept while the file is away for a moment. */
export class WatchedFile {
  readonly path: string;
  #identity: string | undefined;
  #text: string | undefined;
  #isOpenToAll = false;

  constructor(path: string) {
    this.path = path;
  }

  /** Whether everybody on the machine may read or change it. */
  get isOpenToAll(): boolean {
    return this.#isOpenToAll;
  }

  /** Its content now. Throws an AccessError when it was never readable. */
  read(): string {
    try {
      const stats = statSync(this.path, { bigint: true });
      this.#isOpenToAll = (stats.mode & OTHERS) !== 0n;
      const identity = `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
      if (identity !== this.#identity) this.#load(identity, stats.size);
    } catch (error) {
      if (this.#text === undefined) throw new AccessError(`${this.path} cannot be read: ${reasonOf(error)}.`);
    }
    return this.#text ?? '';
  }

  /** An empty file is one that is being written. */
  #load(identity: string, size: bigint): void {
    if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    const text = readFileSync(this.path, 'utf8');
    if (text.trim() === '') throw new Error('it is empty');
    this.#text = text;
    this.#identity = identity;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? String(error.code) : error.message;
}
