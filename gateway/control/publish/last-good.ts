import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Problem } from '../../snapshot/problem.ts';
import { LAST_GOOD_MANIFEST, type LastGood, lastGoodFolder } from '../../snapshot/recover-manifest.ts';
import { SNAPSHOT_SCHEMA, type Snapshot } from '../../snapshot/snapshot.ts';
import { fullName } from '../../snapshot/snapshot-files.ts';
import { makePrivateFolder, writeFileAtomically } from '../../support/atomic-file.ts';
import type { Timers } from '../../support/timers.ts';
import { fullText } from './snapshot-text.ts';

/** Written so long after a publication: a burst of changes is written once. */
export const LAST_GOOD_DELAY_MS = 3_000;
/** Changes without end may spend at most this share of the time on writing. */
const WRITING_SHARE = 1 / 50;

/**
 * Keeps the snapshot that all workers serve in the state directory (0600: it holds private keys in clear), so that the
 * next start of the program serves before control has read anything. Off the road of publications.
 */
export class LastGoodKeeper {
  readonly #folder: string;
  readonly #timers: Timers;
  readonly #onProblem: (problem: Problem | undefined) => void;
  #waiting: Snapshot | undefined;
  #cancel: (() => void) | undefined;
  #delayMs = LAST_GOOD_DELAY_MS;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: { stateDir: string; timers: Timers; onProblem: (problem: Problem | undefined) => void }) {
    this.#folder = lastGoodFolder(options.stateDir);
    this.#timers = options.timers;
    this.#onProblem = options.onProblem;
  }

  keep(snapshot: Snapshot): void {
    this.#waiting = snapshot;
    this.#cancel ??= this.#timers.after(this.#delayMs, () => void this.flush());
  }

  /** Writes what waits now. */
  async flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    const snapshot = this.#waiting;
    this.#waiting = undefined;
    if (snapshot !== undefined) this.#writing = this.#writing.then(() => this.#write(snapshot));
    await this.#writing;
  }

  async #write(snapshot: Snapshot): Promise<void> {
    const { version } = snapshot;
    const begun = this.#timers.now();
    const file = fullName(version);
    const place = path.join(this.#folder, file);
    const durable = { mode: 0o600, durability: 'disk' } as const;
    try {
      makePrivateFolder(this.#folder);
      await writeFileAtomically(place, fullText(version, snapshot), durable);
      const description: LastGood = { schema: SNAPSHOT_SCHEMA, version, file, bytes: (await stat(place)).size };
      await writeFileAtomically(path.join(this.#folder, LAST_GOOD_MANIFEST), JSON.stringify(description), durable);
      for (const name of await readdir(this.#folder))
        if (name !== file && name !== LAST_GOOD_MANIFEST) await rm(path.join(this.#folder, name), { force: true });
      this.#delayMs = Math.max(LAST_GOOD_DELAY_MS, (this.#timers.now() - begun) / WRITING_SHARE);
      this.#onProblem(undefined);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#onProblem({
        severity: 'warning',
        code: 'MG1204',
        message: `The last good snapshot cannot be kept in ${this.#folder}: ${reason}. Traffic is not affected, but the next start of the program serves nothing until it has read its source.`,
      });
    }
  }
}
