// Promises: every settled change of the source is served by all workers soon, or a Problem says why not; one bad object hurts no other.
// Never: lets two publications overlap, serves before the source has told everything once, throws for user input.
// Called by: roles/control.ts. The road: change -> settle -> choose -> build -> publish -> accept -> report.
import type { Problem } from '../snapshot/problem.ts';
import type { SnapshotUnits } from '../snapshot/snapshot.ts';
import { inSlices } from '../support/slices.ts';
import { realTimers, type Timers } from '../support/timers.ts';
import type { Evaluator } from './evaluator.ts';
import { ProblemBoard } from './problem-board.ts';
import type { Publisher, PublishOutcome } from './publish/publisher.ts';
import { Rejections } from './rejections.ts';
import type { Resource, ResourceKey } from './resource/resource.ts';
import type { ObjectStore } from './source/object-store.ts';
import { Quarantine, type Workbench } from './source/quarantine.ts';
import type { SourceEvent, UnreadPolicies } from './source/source.ts';

/**
 * The first change is taken at once, what follows in batches this far apart. Under a storm of changes many small rounds
 * disturb requests less than few long ones, on both sides: control gives up its core sooner, and so does a worker.
 */
export const BATCH_MS = 10;
/** A publication that could not be written is tried again after so long. */
export const RETRY_MS = 5_000;

/** Many changes at once are worked in so long at a time. */
const SLICE_MS = 20;

/** What became of one round. `policies` is what the source had told of them when it began. */
export type Round = { readonly outcome: PublishOutcome['kind']; readonly policies: UnreadPolicies };

export type ControllerOptions = {
  readonly store: ObjectStore;
  readonly evaluator: Workbench & Pick<Evaluator, 'review' | 'setUnread' | 'found' | 'units'>;
  readonly publisher: Pick<Publisher, 'publish' | 'tidy' | 'problems'>;
  /** After each round: what is served may have changed. */
  readonly onRound: (round: Round) => void;
  /** The list of problems was made anew. */
  readonly onProblems: (problems: readonly Problem[]) => void;
  /** An exception in our own code: the round is given up, what is served stays. */
  readonly onDefect: (error: unknown) => void;
  readonly now?: () => number;
  readonly timers?: Timers;
};

export class Controller {
  readonly #options: ControllerOptions;
  readonly #timers: Timers;
  readonly #now: () => number;
  readonly #rejections = new Rejections();
  readonly #quarantine: Quarantine;
  readonly #board: ProblemBoard;
  #synced = false;
  #wanted = false;
  #reviewWanted = false;
  #running: Promise<void> | undefined;
  #closed = false;
  #retry: (() => void) | undefined;
  #tidying: Promise<void> | undefined;
  #begun = 0;
  #concluded = 0;
  /** The last round is taken up again in the next one. */
  #isOpen = false;
  #waiting: { readonly for: number; readonly resolve: () => void }[] = [];
  #cancelWait: (() => void) | undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#timers = options.timers ?? realTimers;
    this.#now = options.now ?? Date.now;
    const { store, evaluator, publisher } = options;
    this.#quarantine = new Quarantine({
      store,
      workbench: evaluator,
      rejected: this.#rejections,
      now: this.#now,
    });
    this.#board = new ProblemBoard({
      store,
      publisher,
      evaluator,
      quarantine: this.#quarantine,
      timers: this.#timers,
      onChange: options.onProblems,
    });
  }

  /** An event of the source. Events of one turn of the loop are one change. */
  handle(event: SourceEvent): void {
    this.#options.store.apply(event);
    if (event.type === 'synced') this.#synced = true;
    this.#want();
  }

  /** Something besides objects may have changed: a certificate file, the time, what the workers have. */
  changed(): void {
    this.#reviewWanted = true;
    this.#want();
  }

  /** Problems of others (the supervisor, the state directory), shown beside our own; replaces what `from` said before. */
  report(from: string, problems: readonly Problem[]): void {
    this.#board.report(from, problems);
    this.#board.update();
  }

  /** The publisher may have other problems now. */
  changedProblems(): void {
    this.#board.update();
  }

  /** Every current Problem, each once, sorted. */
  get problems(): readonly Problem[] {
    return this.#board.problems;
  }

  /** True when the newest version of an object is not the one that serves. */
  isQuarantined(key: ResourceKey): boolean {
    return this.#quarantine.isQuarantined(key);
  }

  /** Since when that is so; undefined when it is not. */
  quarantinedSince(key: ResourceKey): number | undefined {
    return this.#quarantine.quarantinedSince(key);
  }

  /** What was told before a round begins is judged when it has concluded; of what an idle controller was told, all is. */
  get rounds(): { readonly begun: number; readonly concluded: number; readonly isIdle: boolean } {
    return { begun: this.#begun, concluded: this.#concluded, isIdle: this.#running === undefined };
  }

  /** Resolves when everything that was said before has been published, or given up, whatever is said meanwhile. */
  settled(): Promise<void> {
    if (this.#running === undefined) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ for: this.#begun + 1, resolve });
    return promise;
  }

  /** Sentences that say why a version of a served object would have to wait as things are; nothing changes by asking. */
  async objections(resource: Resource): Promise<readonly string[]> {
    while (this.#board.isDeciding) await this.settled();
    return this.#quarantine.objections(resource);
  }

  /** No round begins any more; resolves when the running one has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.();
    this.#cancelWait?.();
    while (this.#running !== undefined) await this.#running;
    await this.#tidying;
  }

  async #rounds(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#wanted && !this.#closed) {
      this.#wanted = false;
      try {
        await this.#round();
      } catch (error) {
        this.#options.onDefect(error);
      }
      this.#tell(this.#isOpen ? 0 : this.#begun);
      if (this.#wanted) await new Promise<void>((resolve) => void this.#timers.after(BATCH_MS, resolve));
    }
  }

  #want(): void {
    if (this.#closed || !this.#synced) return;
    this.#wanted = true;
    this.#running ??= this.#rounds().finally(() => {
      this.#running = undefined;
      this.#tell(Number.POSITIVE_INFINITY);
    });
  }

  /** Those who wait for a round up to this one. */
  #tell(round: number): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((one) => one.for > round);
    for (const one of waiting) if (one.for <= round) one.resolve();
  }

  async #round(): Promise<void> {
    const { evaluator, publisher, store } = this.#options;
    if (this.#reviewWanted) evaluator.review();
    this.#reviewWanted = false;
    this.#begun += 1;
    this.#isOpen = false;
    const { policies } = store;
    evaluator.setUnread(policies.unread);
    await this.#choose();
    this.#planNext();
    const { units } = evaluator;
    const outcome = await publisher.publish(units);
    this.#conclude(units, outcome);
    this.#board.update();
    this.#options.onRound({ outcome: outcome.kind, policies });
    // What a starting worker loads is shortened meanwhile; the next change does not wait for it.
    this.#tidying ??= publisher.tidy().finally(() => {
      this.#tidying = undefined;
    });
  }

  async #choose(): Promise<void> {
    this.#board.isDeciding = true;
    try {
      await inSlices(this.#quarantine.choose(), SLICE_MS);
    } finally {
      this.#board.isDeciding = false;
    }
  }

  /** What waits for endpoints does not wait for ever. */
  #planNext(): void {
    this.#cancelWait?.();
    const { waitsUntil } = this.#quarantine;
    if (waitsUntil === undefined) this.#cancelWait = undefined;
    else this.#cancelWait = this.#timers.after(Math.max(0, waitsUntil - this.#now()), () => this.#want());
  }

  #conclude(units: SnapshotUnits, outcome: PublishOutcome): void {
    switch (outcome.kind) {
      case 'applied':
      case 'unchanged':
        this.#quarantine.accept(this.#now());
        this.#concluded = this.#begun;
        this.#board.report('refused', []);
        break;
      case 'refused':
        this.#isOpen = this.#rejections.blame(outcome, this.#quarantine, units, this.#options.store);
        if (this.#isOpen) this.#wanted = true;
        else this.#board.report('refused', [givenUp(outcome)]);
        break;
      case 'failed':
        this.#retry?.();
        this.#retry = this.#timers.after(RETRY_MS, () => this.#want());
        break;
    }
  }
}

function givenUp({ unit, reason }: { readonly unit: string; readonly reason: string }): Problem {
  return {
    severity: 'error',
    code: 'MG1201',
    message: `A worker cannot compile the new snapshot: ${reason} (unit ${unit}). The version before it keeps serving.`,
  };
}
