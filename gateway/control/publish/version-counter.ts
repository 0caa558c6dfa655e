import { readFileSync } from 'node:fs';
import path from 'node:path';
import { makePrivateFolder, writeFileAtomicallySync } from '../../support/atomic-file.ts';

/** Numbers are reserved on disk in blocks, so that a publication waits for no fsync. A crash skips the rest of a block. */
const BLOCK = 16;

/** Snapshot versions: each greater than any before, also over restarts, as long as the state directory lives. */
export class VersionCounter {
  readonly #file: string;
  #last: number;
  #reserved: number;

  /** `atLeast`: versions known from elsewhere (what the workers serve, the last good snapshot). */
  constructor(stateDir: string, atLeast: number) {
    this.#file = path.join(stateDir, 'version');
    this.#reserved = Math.max(atLeast, readNumber(this.#file));
    this.#last = this.#reserved;
  }

  next(): number {
    if (this.#last >= this.#reserved) {
      this.#reserved = this.#last + BLOCK;
      this.#write(this.#reserved);
    }
    this.#last += 1;
    return this.#last;
  }

  /** Gives back what was reserved and not used. After that the counter is not used any more. */
  close(): void {
    if (this.#last < this.#reserved) this.#write(this.#last);
  }

  /** A full disk must not stop a publication: other keepers of the state directory tell people of it. */
  #write(reserved: number): void {
    try {
      makePrivateFolder(path.dirname(this.#file));
      writeFileAtomicallySync(this.#file, `${reserved}\n`, { mode: 0o600, durability: 'disk' });
    } catch {
      // The workers' own version and the last good snapshot still keep the numbers growing.
    }
  }
}

function readNumber(file: string): number {
  try {
    const number = Number(readFileSync(file, 'utf8'));
    return Number.isSafeInteger(number) && number > 0 ? number : 0;
  } catch {
    return 0;
  }
}
