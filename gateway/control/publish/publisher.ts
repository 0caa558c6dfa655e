// Promises: units reach all workers as one new version, or none; one publication at a time; versions only grow.
// Never: looks into units, publishes what did not change, keeps a publication waiting for the state directory's disk.
// Called by: the controller after each build.
import { diffUnits, isEmptyChange } from '../../snapshot/diff.ts';
import type { Problem } from '../../snapshot/problem.ts';
import { lastGoodKeptAt, readLastGood } from '../../snapshot/recover-manifest.ts';
import type { Snapshot, SnapshotUnits } from '../../snapshot/snapshot.ts';
import type { LongerManifest, SnapshotManifest } from '../../snapshot/snapshot-files.ts';
import { snapshotOf } from '../../snapshot/units.ts';
import { realTimers, type Timers } from '../../support/timers.ts';
import { LastGoodKeeper } from './last-good.ts';
import { SnapshotFolder, type WrittenSnapshot } from './snapshot-folder.ts';
import { VersionCounter } from './version-counter.ts';

/** What all workers are told. */
export type PublishOrder = {
  readonly version: number;
  readonly file: string;
  readonly manifest: SnapshotManifest | LongerManifest;
  readonly nodePorts: readonly number[];
};

export type FleetAnswer =
  | { readonly kind: 'applied'; readonly workers: readonly number[] }
  | { readonly kind: 'refused'; readonly unit: string; readonly reason: string };

/** The workers, as seen from here: the supervisor hands the order to them and collects their answers. */
export type Fleet = { publish(order: PublishOrder): Promise<FleetAnswer> };

export type PublishOutcome =
  /** Served already. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'applied'; readonly version: number }
  /** No worker serves it: one cannot compile `unit`. */
  | { readonly kind: 'refused'; readonly version: number; readonly unit: string; readonly reason: string }
  /** It could not be handed out (a full disk, no answer); worth another try. */
  | { readonly kind: 'failed' };

/** An answer takes longer than this when a worker is hung: people are told. */
export const SLOW_MS = 5_000;
/** The supervisor has long replaced a hung worker: something else is wrong. The next publication then is a full one. */
export const LOST_MS = 30_000;

export type PublisherOptions = {
  readonly runtimeDir: string;
  readonly stateDir: string;
  /** What the workers serve when control starts. */
  readonly manifest: SnapshotManifest | null;
  readonly fleet: Fleet;
  readonly onProblems: () => void;
  readonly timers?: Timers;
};

export class Publisher {
  readonly #fleet: Fleet;
  readonly #timers: Timers;
  readonly #folder: SnapshotFolder;
  readonly #lastGood: LastGoodKeeper;
  readonly #versions: VersionCounter;
  readonly #onProblems: () => void;
  readonly #problems = new Map<string, Problem>();
  #served: Snapshot | undefined;
  #published = 0;
  #publishedAt: number | undefined;
  /** False when it is not known what the workers have: only a full snapshot is right on top of anything. */
  #isBaseKnown: boolean;
  #isBaseForgotten = false;

  constructor(options: PublisherOptions) {
    this.#fleet = options.fleet;
    this.#timers = options.timers ?? realTimers;
    this.#onProblems = options.onProblems;
    this.#folder = new SnapshotFolder(options.runtimeDir, options.manifest, this.#timers);
    this.#lastGood = new LastGoodKeeper({
      stateDir: options.stateDir,
      timers: this.#timers,
      onProblem: (problem) => this.#note('last-good', problem),
    });
    const lastGood = readLastGood(options.stateDir);
    const atLeast = Math.max(options.manifest?.version ?? 0, lastGood?.version ?? 0);
    this.#versions = new VersionCounter(options.stateDir, atLeast);
    this.#served = this.#folder.load();
    this.#isBaseKnown = this.#served !== undefined;
    this.#published = this.#served?.version ?? 0;
    if (this.#published > 0 && this.#published === lastGood?.version)
      this.#publishedAt = lastGoodKeptAt(options.stateDir);
  }

  /** What all workers serve; undefined before the first publication of a new appliance. */
  get served(): Snapshot | undefined {
    return this.#served;
  }

  /** The newest version handed out, and when (milliseconds since the epoch; of a snapshot from before a restart, when it was kept). */
  get newest(): { readonly version: number; readonly publishedAt: number | undefined } {
    return { version: this.#published, publishedAt: this.#publishedAt };
  }

  get problems(): Problem[] {
    return [...this.#problems.values()];
  }

  /** A worker cannot load what was published: the next publication is a full one, though nothing has changed. */
  forgetBase(): void {
    this.#isBaseForgotten = true;
  }

  /** Not to be called again before it resolves. */
  async publish(units: SnapshotUnits): Promise<PublishOutcome> {
    if (this.#isBaseForgotten) this.#isBaseKnown = false;
    this.#isBaseForgotten = false;
    const base = this.#isBaseKnown ? this.#served : undefined;
    const changes = base === undefined ? undefined : diffUnits(base, units);
    if (changes !== undefined && isEmptyChange(changes)) return { kind: 'unchanged' };
    let version: number;
    let written: WrittenSnapshot;
    try {
      version = this.#versions.next();
      written = await (base === undefined || changes === undefined
        ? this.#folder.writeFull(version, units)
        : this.#folder.writeDelta(base.version, version, changes));
      this.#note('write', undefined);
    } catch (error) {
      this.#note('write', notWritten(error));
      return { kind: 'failed' };
    }
    this.#published = version;
    this.#publishedAt = Date.now();
    const answer = await this.#handOut({ version, ...written, nodePorts: nodePortsOf(units) });
    if (answer === undefined) {
      this.#isBaseKnown = false;
      return { kind: 'failed' };
    }
    // Not for what is in it: a worker could not read the file, or has another base.
    if (answer.kind === 'refused' && answer.unit === 'snapshot') {
      this.#isBaseKnown = false;
      this.#note('write', notWritten(new Error(answer.reason)));
      return { kind: 'failed' };
    }
    if (answer.kind === 'refused') return { kind: 'refused', version, unit: answer.unit, reason: answer.reason };
    this.#served = snapshotOf(version, units);
    this.#isBaseKnown = true;
    this.#folder.applied(version, written);
    this.#lastGood.keep(this.#served);
    return { kind: 'applied', version };
  }

  /** After a publication, beside the next ones: shortens what a starting worker loads, and removes old files. */
  async tidy(): Promise<void> {
    const served = this.#served;
    try {
      if (served !== undefined && this.#folder.isLong()) {
        await this.#folder.shorten(served);
      }
    } catch (error) {
      this.#note('write', notWritten(error));
    }
    await this.#folder.sweep();
  }

  /** Writes what is still waiting to be kept. */
  async close(): Promise<void> {
    await this.#lastGood.flush();
    await this.#versions.close();
  }

  /** Undefined when there is no answer at all. */
  async #handOut(order: PublishOrder): Promise<FleetAnswer | undefined> {
    const { promise: lost, resolve: giveUp } = Promise.withResolvers<undefined>();
    const cancelSlow = this.#timers.after(SLOW_MS, () => this.#note('answer', notConfirmed(order.version)));
    const cancelLost = this.#timers.after(LOST_MS, () => giveUp(undefined));
    const answer = await Promise.race([this.#fleet.publish(order), lost]);
    cancelSlow();
    cancelLost();
    if (answer !== undefined) this.#note('answer', undefined);
    return answer;
  }

  #note(what: string, problem: Problem | undefined): void {
    if (problem !== undefined) this.#problems.set(what, problem);
    else if (!this.#problems.delete(what)) return;
    this.#onProblems();
  }
}

function nodePortsOf(units: SnapshotUnits): number[] {
  const ports = new Set(Object.values(units.listeners).flatMap((listener) => listener.nodePorts));
  return [...ports].sort((a, b) => a - b);
}

function notWritten(error: unknown): Problem {
  const reason = error instanceof Error ? error.message : String(error);
  return {
    severity: 'error',
    code: 'MG1202',
    message: `A new snapshot cannot be written or read: ${reason}. The version before it keeps serving; writing is tried again every few seconds.`,
  };
}

function notConfirmed(version: number): Problem {
  return {
    severity: 'warning',
    code: 'MG1203',
    message: `Version ${version} is not confirmed by every worker after ${SLOW_MS / 1000} seconds: one is hung, and is replaced by itself.`,
  };
}
