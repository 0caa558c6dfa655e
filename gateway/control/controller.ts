// Promises: every settled change of the source is served by all workers soon, or a Problem says why not; one bad object hurts no other.
// Never: lets two publications overlap, serves before the source has told everything once, throws for user input.
// Called by: roles/control.ts. The road: change -> settle -> choose -> build -> publish -> accept -> report.
import type { Problem } from '../snapshot/problem.ts';
import { realTimers, type Timers } from '../support/timers.ts';
import type { Evaluator } from './evaluator.ts';
import { describeSourceProblems, distinctProblems } from './problem-board.ts';
import type { Publisher, PublishOutcome } from './publish/publisher.ts';
import { Rejections } from './rejections.ts';
import type { ResourceKey } from './resource/resource.ts';
import type { ObjectStore } from './source/object-store.ts';
import { type Choice, chooseVersions } from './source/quarantine.ts';
import type { SourceEvent } from './source/source.ts';

/** The first change is taken at once, what follows in batches this far apart. */
export const BATCH_MS = 20;
/** A publication that could not be written is tried again after so long. */
export const RETRY_MS = 5_000;

export type ControllerOptions = {
  readonly store: ObjectStore;
  readonly evaluator: Pick<Evaluator, 'evaluate'>;
  readonly publisher: Pick<Publisher, 'publish' | 'tidy' | 'problems'>;
  /** After each round: what is served may have changed. */
  readonly onRound: (round: { readonly outcome: PublishOutcome['kind'] }) => void;
  /** The list of problems was made anew. */
  readonly onProblems: (problems: readonly Problem[]) => void;
  /** An exception in our own code: the round is given up, what is served stays. */
  readonly onDefect: (error: unknown) => void;
  readonly now?: () => number;
  readonly timers?: Timers;
};

type Chosen = Choice<ReturnType<Evaluator['evaluate']>>;

export class Controller {
  readonly #options: ControllerOptions;
  readonly #timers: Timers;
  readonly #now: () => number;
  readonly #rejections = new Rejections();
  readonly #outside = new Map<string, readonly Problem[]>();
  #choice: Chosen | undefined;
  #problems: readonly Problem[] = [];
  #synced = false;
  #wanted = false;
  #running: Promise<void> | undefined;
  #closed = false;
  #retry: (() => void) | undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#timers = options.timers ?? realTimers;
    this.#now = options.now ?? Date.now;
  }

  /** An event of the source. Events of one turn of the loop are one change. */
  handle(event: SourceEvent): void {
    this.#options.store.apply(event);
    if (event.type === 'synced') this.#synced = true;
    this.changed();
  }

  /** Something that objects refer to changed (a certificate file). */
  changed(): void {
    if (this.#closed || !this.#synced) return;
    this.#wanted = true;
    this.#running ??= this.#rounds().finally(() => {
      this.#running = undefined;
    });
  }

  /** Problems of others (the supervisor, the state directory), shown beside our own; replaces what `from` said before. */
  report(from: string, problems: readonly Problem[]): void {
    this.#outside.set(from, problems);
    this.changedProblems();
  }

  /** Makes the list of problems anew: the publisher has others now. */
  changedProblems(): void {
    const { store, publisher } = this.#options;
    this.#problems = distinctProblems([
      ...describeSourceProblems(store.sourceProblems, store),
      ...(this.#choice?.problems ?? []),
      ...publisher.problems,
      ...[...this.#outside.values()].flat(),
    ]);
    this.#options.onProblems(this.#problems);
  }

  /** Every current Problem, each once, sorted. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** True when the newest version of an object is not the one that serves. */
  isQuarantined(key: ResourceKey): boolean {
    return this.#choice?.quarantined.has(key) ?? false;
  }

  /** Resolves when everything that was said before has been published, or given up. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** No round begins any more; resolves when the running one has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.();
    await this.settled();
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
      if (this.#wanted) await new Promise<void>((resolve) => void this.#timers.after(BATCH_MS, resolve));
    }
  }

  async #round(): Promise<void> {
    const { store, evaluator, publisher } = this.#options;
    const choice = chooseVersions({
      objects: store.objects(),
      evaluate: (resources) => evaluator.evaluate(resources),
      rejected: this.#rejections,
      standing: this.#choice?.errors,
    });
    const outcome = await publisher.publish(choice.evaluation.units);
    this.#conclude(choice, outcome);
    this.changedProblems();
    this.#options.onRound({ outcome: outcome.kind });
    await publisher.tidy();
  }

  #conclude(choice: Chosen, outcome: PublishOutcome): void {
    const { store } = this.#options;
    switch (outcome.kind) {
      case 'applied':
      case 'unchanged':
        store.accept(choice.versions, this.#now());
        this.#choice = choice;
        this.#outside.delete('refused');
        break;
      case 'refused':
        if (this.#rejections.blame(outcome, choice.versions, choice.evaluation.units, store)) this.#wanted = true;
        else this.#outside.set('refused', [givenUp(outcome)]);
        break;
      case 'failed':
        this.#retry?.();
        this.#retry = this.#timers.after(RETRY_MS, () => this.changed());
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
