// Promises: what has been read of the kinds that may guard hosts survives restarts: a node that boots into an outage knows what it knew.
// Never: claims more than the accepted objects on disk can answer for.
// Called by: roles/control.ts.
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Problem } from '../../snapshot/problem.ts';
import { writeFileAtomically } from '../../support/atomic-file.ts';
import type { PolicyReads } from './source.ts';

export type KeptPolicyReadsOptions = {
  readonly stateDir: string;
  /** Of the accepted objects: what was accepted is on disk; false when it could not be written. */
  readonly whenObjectsAreKept: () => Promise<boolean>;
  /** All that is wrong now. */
  readonly onProblems: (problems: readonly Problem[]) => void;
};

/** A small file beside the accepted objects, with which it goes when people remove these. */
export class KeptPolicyReads {
  readonly #file: string;
  readonly #options: KeptPolicyReadsOptions;
  #wanted: PolicyReads | undefined;
  #kept: PolicyReads | undefined;
  #writing: Promise<void> | undefined;

  constructor(options: KeptPolicyReadsOptions) {
    this.#options = options;
    this.#file = path.join(options.stateDir, 'accepted', 'policy-reads.json');
  }

  /** What was read before a restart; nothing, where that cannot be told. */
  load(): PolicyReads {
    this.#kept = parsed(this.#file);
    return this.#kept ?? {};
  }

  /** All workers serve what was told when this much had been read; undefined: it does not come from a cluster. */
  keep(reads: PolicyReads | undefined): void {
    this.#wanted = reads;
    if (isDeepStrictEqual(reads, this.#kept)) return;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when nothing is being written. */
  async close(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #write(): Promise<void> {
    const reads = this.#wanted;
    if (!(await this.#options.whenObjectsAreKept())) return;
    try {
      if (reads === undefined) await rm(this.#file, { force: true });
      else await writeFileAtomically(this.#file, `${JSON.stringify(reads)}\n`, { mode: 0o600, durability: 'disk' });
      this.#kept = reads;
      this.#options.onProblems([]);
    } catch (error) {
      this.#options.onProblems([notKept(this.#file, error)]);
    }
  }
}

function parsed(file: string): PolicyReads | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isReads(content) ? content : undefined;
  } catch {
    return undefined;
  }
}

function isReads(content: unknown): content is PolicyReads {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return false;
  return Object.values(content).every(
    (value) => value === 'absent' || (Array.isArray(value) && value.every((one) => typeof one === 'string')),
  );
}

function notKept(file: string, error: unknown): Problem {
  const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
  const message = `It cannot be kept in ${file} which policies were read (${reason}). Traffic is not affected, but after a restart without the cluster all hosts answer 403 until it is back. Mend the state directory; it is tried again.`;
  return { severity: 'warning', code: 'MG1004', message };
}
