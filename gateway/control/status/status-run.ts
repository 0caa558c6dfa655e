import type { Problem } from '../../snapshot/problem.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import { generationOf } from '../kubernetes/generation.ts';
import { LeadershipLost } from '../leader/term.ts';
import type { ResourceKey } from '../resource/resource.ts';
import { Carried } from './carried.ts';
import { says } from './condition.ts';
import type { EventFacts } from './event.ts';
import { EventWriter } from './event-writer.ts';
import { ObjectProblems } from './object-problems.ts';
import { type Found, ObjectStatuses, type Seen } from './object-statuses.ts';
import { Overwrites } from './overwrites.ts';
import { Refusals } from './refusals.ts';
import { Spacing } from './spacing.ts';
import type { StatusWriterOptions } from './status-writer.ts';
import { placeOf, type Verdict, verdictOf } from './verdict.ts';
import { LANES, type Lane, type Turn, WorkQueue } from './work-queue.ts';

/** An object that changes is left alone for so long: people often change several things in a row. */
const SETTLE_MS = 500;
/** What cannot be judged yet is looked at again after so long. */
const LOOK_MS = 200;
const MAX_WAITING = 40_000;
/** An object with more problems than this has one cause. */
const MAX_EVENTS = 10;

export type RunOptions = Omit<StatusWriterOptions, 'timers' | 'onProblems'> & {
  readonly clock: () => number;
  /** Monotonic. */
  readonly now: () => number;
};

/** `outage`: the API server could not, and may want to be left alone for a while; `lost`: this node leads no more. */
export type Outcome =
  | { readonly kind: 'done' | 'lost' }
  | { readonly kind: 'outage'; readonly retryAfterMs: number | undefined };

/** When the source told of an object, and which round had begun then. */
type Told = { readonly round: number; readonly at: number };

/** What one term of leading knows and has to do. */
export class StatusRun {
  readonly #options: RunOptions;
  readonly #statuses: ObjectStatuses;
  readonly #events: EventWriter;
  readonly #queue = new WorkQueue(MAX_WAITING);
  readonly #overwrites = new Overwrites();
  readonly #refusals = new Refusals();
  readonly #spacing = new Spacing({ burst: 10, everyMs: 10_000 });
  readonly #carried = new Carried();
  readonly #problems = new ObjectProblems();
  readonly #touched = new Map<ResourceKey, Told>();
  /** The round that had begun when an object was told that waits for its turn now. */
  readonly #toldIn = new Map<ResourceKey, number>();
  /** Of what was told before this term: nothing is open once the controller was idle. */
  #toldBefore: number;
  /** The round that had concluded when the problems were last looked at. */
  #judged = -1;
  /** Objects that are being written. */
  readonly #busy = new Set<ResourceKey>();

  constructor(options: RunOptions) {
    this.#options = options;
    const { begun, isIdle } = options.rounds();
    this.#toldBefore = isIdle ? -1 : begun;
    this.#statuses = new ObjectStatuses(options);
    this.#events = new EventWriter(options.api);
  }

  /** False until what the source knows has been judged for the first time: before, half of a cluster is no fault of its objects. */
  get isReady(): boolean {
    return this.#options.rounds().concluded > 0;
  }

  changed(key: ResourceKey): void {
    // The survey finds it.
    if (!this.isReady) return;
    this.#touched.set(key, { round: this.#options.rounds().begun, at: this.#options.now() });
  }

  /** Objects that wait for their turn. */
  get waiting(): number {
    return this.#queue.size;
  }

  hasOverflowed(): boolean {
    return this.#queue.hasOverflowed();
  }

  /** A kind is refused that was not before: perhaps by an API server that has just started. */
  isNewlyRefused(): boolean {
    return this.#refusals.takeNews();
  }

  problems(): Problem[] {
    return [...this.#refusals.problems(), ...this.#overwrites.problems()];
  }

  /** Gives objects whose fate has changed a turn. */
  digest(): void {
    if (!this.isReady) return;
    this.#compareProblems();
    for (const [key, told] of this.#touched) {
      this.#carried.touched(key);
      if (this.#options.objects.get(key) === undefined) this.#forget(key);
      else if (this.#consider(key, { isTold: true, at: told.at })) this.#toldIn.set(key, told.round);
    }
    this.#touched.clear();
  }

  /** Looks at every condition of ours in the cluster, and gives the objects that need it a turn. */
  async survey(): Promise<Outcome> {
    this.#refusals.retry();
    this.#events.sweep(this.#options.clock());
    this.#carried.beginSurvey(this.#busy);
    const all = new Set<ResourceKey>();
    const outcome = await this.#guarded(async () => {
      for await (const page of this.#statuses.survey()) {
        for (const { key } of page) all.add(key);
        for (const found of this.#carried.page(page)) this.#found(found);
      }
    });
    if (outcome.kind !== 'done') {
      this.#carried.abandonSurvey();
      return outcome;
    }
    this.#carried.endSurvey(all);
    for (const key of this.#problems.keys()) this.#consider(key, { isTold: false, at: this.#options.now() });
    return outcome;
  }

  /** The object whose turn it is, of these lanes. Whoever takes it does its {@link work}. */
  next(lanes: readonly Lane[] = LANES): Turn | undefined {
    const now = this.#options.now();
    for (;;) {
      const turn = this.#queue.take(now, lanes);
      if (turn === undefined) return undefined;
      if (!this.#busy.has(turn.key) && this.#judged > this.#told(turn.key)) return turn;
      this.#queue.postpone(turn, now + LOOK_MS);
    }
  }

  /** Writes what is to be said of the object. */
  async work(turn: Turn): Promise<Outcome> {
    const { key } = turn;
    this.#toldIn.delete(key);
    this.#busy.add(key);
    const seen = this.#carried.takeSeen(key);
    this.#carried.touched(key);
    try {
      return await this.#guarded(
        async () => {
          await this.#writeCondition(key, seen);
          await this.#tellEvents(key);
        },
        (error) => this.#queue.again(turn, this.#options.now(), error.retryAfterMs),
      );
    } finally {
      this.#busy.delete(key);
    }
  }

  #found({ key, condition, seen }: Found): void {
    this.#overwrites.seen(key, condition, this.#generation(key));
    if (this.#consider(key, { isTold: false, at: this.#options.now() })) this.#carried.keepSeen(key, seen);
  }

  /** The object is gone. */
  #forget(key: ResourceKey): void {
    this.#queue.drop(key);
    this.#carried.gone(key);
    this.#toldIn.delete(key);
    this.#refusals.gone(key);
    this.#overwrites.gone(key);
    this.#spacing.gone(key);
    this.#events.gone(key);
  }

  /** The round that had begun when the object was last told. */
  #told(key: ResourceKey): number {
    return this.#touched.get(key)?.round ?? this.#toldIn.get(key) ?? this.#toldBefore;
  }

  #compareProblems(): void {
    const now = this.#options.now();
    // What stood before this term began is no news: the survey finds it.
    const isFirst = !this.#problems.isKnown;
    const { begun, concluded, isIdle } = this.#options.rounds();
    if (isIdle && begun === concluded) this.#toldBefore = -1;
    const changed = this.#problems.compare(this.#options.problems, now);
    if (changed === undefined) return;
    this.#judged = concluded;
    if (!isFirst) for (const key of changed) this.#consider(key, { isTold: true, at: now });
  }

  /** Gives an object a turn if something is to be written for it; true when it has one. */
  #consider(key: ResourceKey, { isTold, at }: { readonly isTold: boolean; readonly at: number }): boolean {
    if (!this.#needsCondition(key) && !this.#needsEvents(key)) return false;
    const isBroken = this.#problems.isBroken(key) || this.#carried.get(key)?.status === 'False';
    const told = isBroken ? 'told-broken' : this.#spacing.isRestless(key, at) ? 'soon' : 'told';
    const lane = isTold ? told : isBroken ? 'soon' : 'found';
    this.#queue.add(key, Math.max(at + (isTold ? SETTLE_MS : 0), this.#spacing.earliest(key)), lane);
    return true;
  }

  #needsCondition(key: ResourceKey): boolean {
    const generation = this.#generation(key);
    return this.#mayWriteCondition(key, generation) && !says(this.#carried.get(key), this.#verdict(key), generation);
  }

  #mayWriteCondition(key: ResourceKey, generation: number): boolean {
    const { kind } = parseKey(key);
    return (
      placeOf(kind) !== undefined &&
      this.#options.objects.get(key)?.newest !== undefined &&
      !this.#refusals.has(kind, key) &&
      !this.#overwrites.isGivenUp(key, generation)
    );
  }

  #needsEvents(key: ResourceKey): boolean {
    return !this.#refusals.has('Event', key) && this.#events.isDue(key, this.#eventsOf(key));
  }

  async #writeCondition(key: ResourceKey, seen: Seen | undefined): Promise<void> {
    const generation = this.#generation(key);
    if (!this.#mayWriteCondition(key, generation)) return;
    const object = parseKey(key);
    const version = this.#options.objects.get(key)?.newest;
    // The verdict is about the version that is known now, not about one that comes while the API server is asked.
    const judged = (found: unknown): boolean =>
      this.#options.objects.get(key)?.newest === version && this.#options.isNewest(key, found);
    const known = seen !== undefined && this.#isJudgedVersion(key, seen) ? { judged, seen } : { judged };
    try {
      const { outcome, before, now } = await this.#statuses.write(object, this.#verdict(key), known);
      if (outcome === 'no-status') this.#refusals.noStatus(object.kind);
      if (outcome === 'written') this.#refusals.worked(object.kind, key);
      if (outcome !== 'written' && outcome !== 'same') return;
      this.#overwrites.seen(key, before, generation);
      if (outcome === 'written') this.#overwrites.wrote(key, now);
      if (outcome === 'written') this.#spacing.wrote(key, this.#options.now());
      this.#carried.is(key, now);
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
    const problems = this.#problems.get(key);
    const { apiVersion, metadata } = (this.#options.objects.get(key)?.newest?.raw ?? {}) as RawObject;
    if (problems.length === 0 || typeof metadata?.uid !== 'string' || apiVersion === undefined) return [];
    const target = { ...parseKey(key), apiVersion, uid: metadata.uid };
    const common = { target, type: 'Warning', node: this.#options.node, now: this.#options.clock() } as const;
    return problems
      .filter(({ severity }) => severity !== 'info')
      .slice(0, MAX_EVENTS)
      .map(({ severity, code, message, field = '' }) => {
        return { ...common, reason: code, message, occasion: field, repeats: severity === 'error' };
      });
  }

  /** Whether what a survey saw is what was judged: a generation stands for all that an object asks for. */
  #isJudgedVersion(key: ResourceKey, { metadata }: Seen): boolean {
    const { uid } = ((this.#options.objects.get(key)?.newest?.raw ?? {}) as RawObject).metadata ?? {};
    return uid !== undefined && metadata.uid === uid && metadata.generation === this.#generation(key);
  }

  #verdict(key: ResourceKey): Verdict | undefined {
    const isQuarantined = this.#options.isQuarantined(key);
    return verdictOf(parseKey(key).kind, this.#problems.get(key), { isQuarantined });
  }

  #generation(key: ResourceKey): number {
    return generationOf(this.#options.objects.get(key)?.newest?.raw) ?? 0;
  }

  /** Failures that pass are waited for; the end of leadership ends the work; all else is a defect. */
  async #guarded(action: () => Promise<void>, onFailure?: (error: ApiError) => void): Promise<Outcome> {
    try {
      await action();
      return { kind: 'done' };
    } catch (error) {
      if (error instanceof LeadershipLost) return { kind: 'lost' };
      if (!(error instanceof ApiError)) throw error;
      onFailure?.(error);
      const isOutage = error.isOutage || error.status === 429;
      return isOutage ? { kind: 'outage', retryAfterMs: error.retryAfterMs } : { kind: 'done' };
    }
  }
}

type RawObject = { readonly apiVersion?: string; readonly metadata?: { readonly uid?: unknown } };

function parseKey(key: ResourceKey): { readonly kind: string; readonly namespace: string; readonly name: string } {
  const [kind = '', namespace = '', name = ''] = key.split('/');
  return { kind, namespace, name };
}
