import { readFileSync, statSync } from 'node:fs';
import { AccessError } from './cluster-access.ts';

/** Far more than any kubeconfig, bundle or token. */
const MAX_BYTES = 4 * 1024 * 1024;

/** A small file that others renew in place. What was read once is kept while the file is away for a moment. */
export class WatchedFile {
  readonly path: string;
  #identity: string | undefined;
  #text: string | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** Its content now. Throws an AccessError when it was never readable. */
  read(): string {
    try {
      const stats = statSync(this.path, { bigint: true });
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
