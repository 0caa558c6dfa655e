import type { Problem } from '../../snapshot/problem.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import { generationOf } from '../kubernetes/generation.ts';
import { LeadershipLost } from '../leader/term.ts';
import { type ResourceKey, resourceKey } from '../resource/resource.ts';
import { type Condition, says } from './condition.ts';
import type { EventFacts } from './event.ts';
import { EventWriter } from './event-writer.ts';
import { ObjectStatuses } from './object-statuses.ts';
import { Overwrites } from './overwrites.ts';
import { Refusals } from './refusals.ts';
import type { StatusWriterOptions } from './status-writer.ts';
import { CONDITION_KINDS, type Verdict, verdictOf } from './verdict.ts';
import { type Urgency, WorkQueue } from './work-queue.ts';

/** An object that changes is left alone for so long: people often change several things in a row. */
const SETTLE_MS = 1_000;
const MAX_WAITING = 20_000;
/** An object with more problems than this has one cause. */
const MAX_EVENTS = 10;

export type RunOptions = Omit<StatusWriterOptions, 'timers' | 'onProblems'> & {
  readonly clock: () => number;
  /** Monotonic. */
  readonly now: () => number;
};

/** `idle`: there was nothing to do; `outage`: the API server could not; `lost`: this node leads no more. */
export type TurnOutcome = 'done' | 'idle' | 'outage' | 'lost';

/** What one term of leading knows and has to do. */
export class StatusRun {
  readonly #options: RunOptions;
  readonly #statuses: ObjectStatuses;
  readonly #events: EventWriter;
  readonly #queue = new WorkQueue(MAX_WAITING);
  readonly #overwrites = new Overwrites();
  readonly #refusals = new Refusals();
  /** The round that had begun when an object was told. */
  readonly #touched = new Map<ResourceKey, number>();
  /** The same of objects that wait for their turn. */
  readonly #toldIn = new Map<ResourceKey, number>();
  /** Of what was told before this term: nothing is open from an idle controller. */
  readonly #toldBefore: number;
  /** What the objects in the cluster carry, as far as was seen; objects without a condition are not in it. */
  #carried = new Map<ResourceKey, Condition>();
  #problemsByObject = new Map<ResourceKey, readonly Problem[]>();
  #problems: readonly Problem[] = [];

  constructor(options: RunOptions) {
    this.#options = options;
    const { begun, isIdle } = options.rounds();
    this.#toldBefore = isIdle ? -1 : begun;
    this.#statuses = new ObjectStatuses(options);
    this.#events = new EventWriter(options.api);
  }

  changed(key: ResourceKey): void {
    this.#touched.set(key, this.#options.rounds().begun);
  }

  hasOverflowed(): boolean {
    return this.#queue.hasOverflowed();
  }

  problems(): Problem[] {
    return [...this.#refusals.problems(), ...this.#overwrites.problems()];
  }

  /** Gives objects whose fate has changed a turn. */
  digest(): void {
    this.#compareProblems();
    for (const [key, round] of this.#touched) {
      if (this.#options.objects.get(key) === undefined) this.#forget(key);
      else if (this.#consider(key, 'urgent')) this.#toldIn.set(key, round);
    }
    this.#touched.clear();
  }

  /** Looks at every condition of ours in the cluster, and gives the objects that need it a turn. */
  async survey(): Promise<TurnOutcome> {
    this.#refusals.retry();
    const carried = new Map<ResourceKey, Condition>();
    const all = new Set<ResourceKey>();
    const outcome = await this.#guarded(async () => {
      for await (const page of this.#statuses.survey())
        for (const { key, condition } of page) {
          all.add(key);
          if (condition !== undefined) carried.set(key, condition);
          this.#overwrites.seen(key, condition, this.#generation(key));
        }
    });
    if (outcome !== 'done') return outcome;
    this.#carried = carried;
    for (const key of all.union(new Set(this.#problemsByObject.keys()))) this.#consider(key, 'routine');
    return 'done';
  }

  /** The next object, if it is somebody's turn. */
  async turn(): Promise<TurnOutcome> {
    const now = this.#options.now();
    const turn = this.#queue.take(now);
    if (turn === undefined) return 'idle';
    const { key } = turn;
    if (this.#options.rounds().concluded <= this.#told(key)) {
      this.#queue.add(key, now + SETTLE_MS, 'urgent');
      return 'done';
    }
    this.#toldIn.delete(key);
    this.#compareProblems();
    return this.#guarded(
      async () => {
        await this.#writeCondition(key);
        await this.#tellEvents(key);
      },
      (error) => this.#queue.again(turn, this.#options.now(), error.retryAfterMs),
    );
  }

  /** The object is gone. */
  #forget(key: ResourceKey): void {
    this.#carried.delete(key);
    this.#toldIn.delete(key);
    this.#refusals.gone(key);
    this.#overwrites.gone(key);
    this.#events.gone(key);
  }

  /** The round that had begun when the object was last told. */
  #told(key: ResourceKey): number {
    return this.#touched.get(key) ?? this.#toldIn.get(key) ?? this.#toldBefore;
  }

  /** The list is the very same while nothing in it has changed. */
  #compareProblems(): void {
    const problems = this.#options.problems();
    if (problems === this.#problems) return;
    // What stood before this term began is not news, but for what is broken.
    const isFirst = this.#problems.length === 0;
    this.#problems = problems;
    const before = this.#problemsByObject;
    const all = problems.filter(({ object }) => object !== undefined);
    this.#problemsByObject = Map.groupBy(all, ({ object }) => (object === undefined ? '' : resourceKey(object)));
    for (const key of new Set([...before.keys(), ...this.#problemsByObject.keys()]))
      if (!isSame(before.get(key), this.#problemsByObject.get(key)))
        this.#consider(key, isFirst && !this.#isBroken(key) ? 'routine' : 'urgent');
  }

  /** Gives an object a turn if something is to be written for it; true when it has one. */
  #consider(key: ResourceKey, urgency: Urgency): boolean {
    const needsCondition =
      this.#hasCondition(key) && !says(this.#carried.get(key), this.#verdict(key), this.#generation(key));
    if (!needsCondition && !this.#events.isDue(key, this.#eventsOf(key))) return false;
    this.#queue.add(key, this.#options.now() + SETTLE_MS, urgency);
    return true;
  }

  async #writeCondition(key: ResourceKey): Promise<void> {
    const object = parseKey(key);
    if (!this.#hasCondition(key) || this.#options.objects.get(key)?.newest === undefined) return;
    if (this.#refusals.has(object.kind, key) || this.#overwrites.isGivenUp(key, this.#generation(key))) return;
    const isNewest = (found: unknown): boolean => this.#options.isNewest(key, found);
    try {
      const { outcome, before, now } = await this.#statuses.write(object, this.#verdict(key), isNewest);
      if (outcome === 'no-status') this.#refusals.noStatus(object.kind);
      if (outcome === 'written') this.#refusals.worked(object.kind, key);
      if (outcome !== 'written' && outcome !== 'same') return;
      this.#overwrites.seen(key, before, this.#generation(key));
      if (outcome === 'written') this.#overwrites.wrote(key, now);
      if (now === undefined) this.#carried.delete(key);
      else this.#carried.set(key, now);
    } catch (error) {
      if (!this.#refusals.take(error, object.kind, key)) throw error;
    }
  }

  async #tellEvents(key: ResourceKey): Promise<void> {
    if (this.#refusals.has('Event', key)) return;
    try {
      const isWritten = await this.#events.tell(key, this.#eventsOf(key), this.#options.clock());
      if (isWritten) this.#refusals.worked('Event', key);
    } catch (error) {
      if (!this.#refusals.take(error, 'Event', key)) throw error;
    }
  }

  /** Problems of the object as Events; none of an object that the source does not have. */
  #eventsOf(key: ResourceKey): EventFacts[] {
    const problems = this.#problemsByObject.get(key);
    const { apiVersion, metadata } = (this.#options.objects.get(key)?.newest?.raw ?? {}) as RawObject;
    if (problems === undefined || typeof metadata?.uid !== 'string' || apiVersion === undefined) return [];
    const target = { ...parseKey(key), apiVersion, uid: metadata.uid };
    const common = { target, type: 'Warning', node: this.#options.node, now: this.#options.clock() } as const;
    return problems
      .filter(({ severity }) => severity !== 'info')
      .slice(0, MAX_EVENTS)
      .map(({ severity, code, message, field = '' }) => {
        return { ...common, reason: code, message, occasion: field, repeats: severity === 'error' };
      });
  }

  #isBroken(key: ResourceKey): boolean {
    return this.#problemsByObject.get(key)?.some(({ severity }) => severity === 'error') ?? false;
  }

  #verdict(key: ResourceKey): Verdict | undefined {
    const isQuarantined = this.#options.isQuarantined(key);
    return verdictOf(parseKey(key).kind, this.#problemsByObject.get(key) ?? [], { isQuarantined });
  }

  #hasCondition(key: ResourceKey): boolean {
    return CONDITION_KINDS.includes(parseKey(key).kind) && this.#options.objects.get(key)?.newest !== undefined;
  }

  #generation(key: ResourceKey): number {
    return generationOf(this.#options.objects.get(key)?.newest?.raw) ?? 0;
  }

  /** Failures that pass are waited for; the end of leadership ends the work; all else is a defect. */
  async #guarded(action: () => Promise<void>, onFailure?: (error: ApiError) => void): Promise<TurnOutcome> {
    try {
      await action();
      return 'done';
    } catch (error) {
      if (error instanceof LeadershipLost) return 'lost';
      if (!(error instanceof ApiError)) throw error;
      onFailure?.(error);
      return error.isOutage || error.status === 429 ? 'outage' : 'done';
    }
  }
}

type RawObject = { readonly apiVersion?: string; readonly metadata?: { readonly uid?: unknown } };

function parseKey(key: ResourceKey): { readonly kind: string; readonly namespace: string; readonly name: string } {
  const [kind = '', namespace = '', name = ''] = key.split('/');
  return { kind, namespace, name };
}

function isSame(a: readonly Problem[] = [], b: readonly Problem[] = []): boolean {
  return (
    a === b || (a.length === b.length && a.every((one, index) => one === b[index] || textOf(one) === textOf(b[index])))
  );
}

function textOf(problem: Problem | undefined): string {
  return problem === undefined ? '' : `${problem.severity} ${problem.code} ${problem.field} ${problem.message}`;
}
