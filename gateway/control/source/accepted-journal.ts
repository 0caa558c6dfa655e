// Promises: the accepted objects of this node on disk, so that their last good versions outlive control, the program and the node.
// Never: keeps anybody waiting who publishes, throws for a file it cannot read (it is set aside), shows a secret (0600 in a 0700 folder; secrets are in clear).
// Called by: roles/control.ts (load at start); the object store says what was accepted.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import type { Problem, SourcePosition } from '../../snapshot/problem.ts';
import { inChunks, makePrivateFolder, writeFileAtomically } from '../../support/atomic-file.ts';
import type { ResourceKey } from '../resource/resource.ts';

/** What is said so soon after a write is gathered: a storm of changes is a few writes a second. */
const GATHER_MS = 200;

/** Version of the line format; another one is set aside. */
const ACCEPTED_SCHEMA = 1;

/** An object as it was accepted: what is needed to read it again. */
export type AcceptedRecord = {
  readonly key: ResourceKey;
  readonly raw: unknown;
  readonly position: SourcePosition;
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number;
};

type Line =
  | { readonly op: 'set'; readonly record: AcceptedRecord }
  | { readonly op: 'remove'; readonly key: ResourceKey };

/** One line a change; rewritten whole when most lines are of the past. */
export class AcceptedJournal {
  readonly #file: string;
  readonly #records = new Map<ResourceKey, AcceptedRecord>();
  readonly #onProblem: (problem: Problem | undefined) => void;
  /** By object: of many changes of one object in a short time, only the last is written. */
  #pending = new Map<ResourceKey, Line>();
  #lines = 0;
  #handle: FileHandle | undefined;
  #writing: Promise<void> | undefined;
  #rewrite = false;
  /** Ends the wait for more to write. */
  #hurry: (() => void) | undefined;
  /** Callers that wait until everything is written. */
  #waiting = 0;

  private constructor(file: string, onProblem: (problem: Problem | undefined) => void) {
    this.#file = file;
    this.#onProblem = onProblem;
  }

  /**
   * Reads what was accepted before. `problems` tells of what could not be read. `onProblem` is called when writing
   * fails (a full disk), and with undefined once it works again.
   */
  static open(
    stateDir: string,
    onProblem: (problem: Problem | undefined) => void,
  ): { readonly journal: AcceptedJournal; readonly problems: readonly Problem[] } {
    const folder = path.join(stateDir, 'accepted');
    const journal = new AcceptedJournal(path.join(folder, 'objects.jsonl'), onProblem);
    try {
      makePrivateFolder(folder);
      const problems = journal.#load();
      // What was read lives in memory only until it is written again.
      if (journal.#rewrite) journal.#start();
      return { journal, problems };
    } catch (error) {
      const problem = notKept(folder, error);
      return { journal, problems: [problem] };
    }
  }

  records(): Iterable<AcceptedRecord> {
    return this.#records.values();
  }

  set(record: AcceptedRecord): void {
    this.#forget(record.key);
    this.#records.set(record.key, record);
    this.#write({ op: 'set', record });
  }

  remove(key: ResourceKey): void {
    this.#forget(key);
    if (this.#records.delete(key)) this.#write({ op: 'remove', key });
  }

  /** A key that is replaced, or that nothing names any more, does not stay on disk among what is of the past. */
  #forget(key: ResourceKey): void {
    if (key.startsWith('Secret/') && this.#records.has(key)) this.#rewrite = true;
  }

  /** Resolves when everything said so far is on disk (or a Problem told why not). */
  async flush(): Promise<void> {
    this.#waiting += 1;
    this.#hurry?.();
    while (this.#writing !== undefined) await this.#writing;
    this.#waiting -= 1;
  }

  /** Everything said so far is on disk. */
  async isKept(): Promise<boolean> {
    await this.flush();
    return !this.#rewrite;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#handle?.close();
    this.#handle = undefined;
  }

  #load(): Problem[] {
    if (!existsSync(this.#file)) return [];
    const lines = readFileSync(this.#file, 'utf8').split('\n');
    if (!isHeader(lines[0] ?? '')) {
      this.#rewrite = true;
      return [setAside(this.#file, 'it is of another version of this program, or not readable')];
    }
    let broken = 0;
    for (const text of lines.slice(1)) {
      if (text === '') continue;
      const line = parsedLine(text);
      if (!isLine(line)) broken += 1;
      else if (line.op === 'set') this.#records.set(line.record.key, line.record);
      else this.#records.delete(line.key);
      this.#lines += 1;
    }
    if (broken === 0) return [];
    this.#rewrite = true;
    // The last line of a process that was killed while writing is cut short: that is no damage.
    if (broken === 1 && parsedLine(lines.at(-1) ?? '') === undefined && lines.at(-1) !== '') return [];
    return [setAside(this.#file, `${broken} of its lines cannot be read; the others are used`)];
  }

  #write(line: Line): void {
    this.#pending.set(line.op === 'set' ? line.record.key : line.key, line);
    this.#start();
  }

  #start(): void {
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  /** What is said while a write runs goes into the next one. */
  async #drain(): Promise<void> {
    await Promise.resolve();
    do {
      const lines = [...this.#pending.values()];
      this.#pending.clear();
      try {
        if (this.#rewrite || this.#lines + lines.length > 2 * this.#records.size + 1_000) await this.#compact();
        else await this.#append(lines);
        this.#onProblem(undefined);
      } catch (error) {
        this.#rewrite = true;
        this.#onProblem(notKept(this.#file, error));
      }
      if (this.#waiting === 0) await this.#gather();
    } while (this.#pending.size > 0);
  }

  async #gather(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#hurry = resolve;
    const timer = setTimeout(resolve, GATHER_MS);
    await promise;
    clearTimeout(timer);
    this.#hurry = undefined;
  }

  async #append(lines: readonly Line[]): Promise<void> {
    if (this.#handle === undefined && !existsSync(this.#file)) return this.#compact();
    this.#handle ??= await open(this.#file, 'a', 0o600);
    // A plain write may stop half way on a full disk and call that a success.
    for (const chunk of inChunks(Iterator.from(lines).map(sealed))) await this.#handle.appendFile(chunk);
    await this.#handle.datasync();
    this.#lines += lines.length;
  }

  async #compact(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
    makePrivateFolder(path.dirname(this.#file));
    // What is accepted while this is written is written once more afterwards.
    this.#lines = this.#records.size;
    await writeFileAtomically(this.#file, this.#text(), { mode: 0o600, durability: 'disk' });
    this.#rewrite = false;
  }

  *#text(): Generator<string> {
    yield `${JSON.stringify({ schema: ACCEPTED_SCHEMA })}\n`;
    for (const record of this.#records.values()) yield sealed({ op: 'set', record });
  }
}

/** A line carries its own checksum: a torn write must not pass for a shorter object. */
function sealed(line: Line): string {
  const text = JSON.stringify(line);
  return `${checksum(text)} ${text}\n`;
}

function parsedLine(text: string): unknown {
  try {
    const body = text.slice(17);
    return checksum(body) === text.slice(0, 16) ? JSON.parse(body) : undefined;
  } catch {
    return undefined;
  }
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function isHeader(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'schema' in value && value.schema === ACCEPTED_SCHEMA;
  } catch {
    return false;
  }
}

/** The checksum proves that this program wrote the line; only its frame is checked. */
function isLine(value: unknown): value is Line {
  return typeof value === 'object' && value !== null && 'op' in value && (value.op === 'set' || value.op === 'remove');
}

/** Keeps at most the last one: nobody reads more. */
function setAside(file: string, why: string): Problem {
  const aside = `${file}.set-aside`;
  if (readdirSync(path.dirname(file)).includes(path.basename(file))) renameSync(file, aside);
  return {
    severity: 'warning',
    code: 'MG1005',
    message: `The accepted objects kept in ${file} are set aside as ${aside}: ${why}. Objects whose files are whole are not affected; a file that is broken right now has no last good version to fall back on.`,
  };
}

function notKept(place: string, error: unknown): Problem {
  const reason = error instanceof Error ? error.message : String(error);
  return {
    severity: 'warning',
    code: 'MG1004',
    message: `Accepted objects cannot be kept in ${place}: ${reason}. Traffic is not affected, but after a restart a broken file would have no last good version to fall back on.`,
  };
}
