import { readFileSync } from 'node:fs';
import path from 'node:path';
import { makePrivateFolder, writeFileAtomically, writeFileAtomicallySync } from '../../support/atomic-file.ts';

/**
 * Numbers are reserved on disk in blocks, the next one when half of a block is used: a storm of changes uses that half in
 * more than a second, and a disk can be busy for so long. A crash skips the rest of a block.
 */
const BLOCK = 256;

const DURABLE = { mode: 0o600, durability: 'disk' } as const;

/**
 * Snapshot versions: each greater than any before, also over restarts, as long as the state directory lives. Only when the
 * disk takes nothing for longer than half a block lasts, and power fails then, can a number come again.
 */
export class VersionCounter {
  readonly #file: string;
  #last: number;
  #reserved: number;
  #writing: Promise<void> = Promise.resolve();

  /** `atLeast`: versions known from elsewhere (what the workers serve, the last good snapshot). */
  constructor(stateDir: string, atLeast: number) {
    this.#file = path.join(stateDir, 'version');
    this.#last = Math.max(atLeast, readNumber(this.#file));
    this.#reserved = this.#last + BLOCK;
    try {
      makePrivateFolder(stateDir);
      // Control is just starting: no publication waits yet. Later ones wait for no disk.
      writeFileAtomicallySync(this.#file, `${this.#reserved}\n`, DURABLE);
    } catch {
      // As in `#write`.
    }
  }

  /** Waits for nothing: the disk is told beside the publication. */
  next(): number {
    this.#last += 1;
    if (this.#last > this.#reserved - BLOCK / 2) this.#reserve();
    return this.#last;
  }

  /** Gives back what was reserved and not used. After that the counter is not used any more. */
  async close(): Promise<void> {
    await this.#writing;
    if (this.#last < this.#reserved) await this.#write(this.#last);
  }

  #reserve(): void {
    this.#reserved = this.#last + BLOCK;
    this.#writing = this.#writing.then(() => this.#write(this.#reserved));
  }

  /** A full disk must not stop a publication: other keepers of the state directory tell people of it. */
  async #write(reserved: number): Promise<void> {
    try {
      makePrivateFolder(path.dirname(this.#file));
      await writeFileAtomically(this.#file, `${reserved}\n`, DURABLE);
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
