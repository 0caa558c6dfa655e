import type { Problem } from '../../snapshot/problem.ts';
import { pause } from '../../support/pause.ts';
import type { Timers } from '../../support/timers.ts';
import type { Term } from '../leader/term.ts';
import type { Pace } from './pace.ts';
import type { Outcome, StatusRun } from './status-run.ts';
import { LANES, type Lane, type Turn } from './work-queue.ts';

/** Changes are gathered for so long. */
const DIGEST_MS = 200;
/** Objects that are written at the same time: an API server that is slow gets fewer a second. */
const AT_ONCE = 8;
/** Of these, so many at most that were found on the way. */
const FOUND_AT_ONCE = 4;
/** Requests of the pace's burst that what was found on the way leaves for what somebody has just changed. */
const RESERVE = 20;
/** What others have done to our conditions is looked at this often. */
const SURVEY_MS = 10 * 60_000;
/** A right that is missing of a sudden may be there again soon. */
const REFUSED_MS = 30_000;
/** An API server that cannot answer is asked again after so long, later each time. */
const CALM_MS = { first: 2_000, longest: 60_000 };

const TOLD_LANES: readonly Lane[] = ['told-broken', 'told'];
/** Every so many turns, what was found does not wait behind what changes all the time. */
const FOUND_EVERY = 4;
const FOUND_FIRST: readonly Lane[] = ['told-broken', 'told', 'found', 'soon'];

export type WriteLoopOptions = {
  readonly run: StatusRun;
  readonly pace: Pace;
  readonly timers: Timers;
  readonly term: Term;
  /** Called when the run has other problems than before. */
  readonly onProblems: (problems: readonly Problem[]) => void;
};

/** Gives the objects of a run their turns, several at a time, at its pace, until the term ends. */
export class WriteLoop {
  readonly #options: WriteLoopOptions;
  readonly #running = new Map<Promise<void>, 'told' | 'found' | 'survey'>();
  #wake: () => void = () => undefined;
  #digestAt = 0;
  #surveyAt: number;
  /** What is refused since a survey began, it may not have tried again. */
  #retryAt = Number.POSITIVE_INFINITY;
  #calmUntil = 0;
  #calm: number = CALM_MS.first;
  #isLost = false;
  #turns = 0;
  #defects: unknown[] = [];
  #told = '[]';

  constructor(options: WriteLoopOptions) {
    this.#options = options;
    this.#surveyAt = options.timers.now();
  }

  /** Resolves when the term is over and nothing is under way any more; rejects on a defect of ours. */
  async work(): Promise<void> {
    const { term, timers } = this.#options;
    while (term.isHeld() && !this.#isLost && this.#defects.length === 0) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#begin();
      await Promise.race([woken, pause(timers, this.#waitMs(), term.signal)]);
    }
    await Promise.all(this.#running.keys());
    if (this.#defects.length > 0) throw this.#defects[0];
  }

  /** Everything whose time has come. */
  #begin(): void {
    const { run, timers } = this.#options;
    const now = timers.now();
    if (now >= this.#digestAt) {
      run.digest();
      this.#tellProblems();
      this.#digestAt = now + DIGEST_MS;
    }
    if (now < this.#calmUntil || !run.isReady) return;
    if (run.hasOverflowed()) this.#surveyAt = now;
    if (run.isNewlyRefused()) this.#retryAt = now + REFUSED_MS;
    if (now >= Math.min(this.#surveyAt, this.#retryAt) && this.#count('survey') === 0) this.#survey();
    this.#takeTurns();
  }

  #survey(): void {
    const { run, timers } = this.#options;
    this.#retryAt = Number.POSITIVE_INFINITY;
    this.#start('survey', async () => {
      const outcome = await run.survey();
      if (outcome.kind === 'done') this.#surveyAt = timers.now() + SURVEY_MS;
      return outcome;
    });
  }

  #takeTurns(): void {
    const { run, pace } = this.#options;
    while (this.#count('told') + this.#count('found') < AT_ONCE && pace.waitMs() === 0) {
      const turn = run.next(this.#lanes());
      if (turn === undefined) return;
      this.#turns += 1;
      this.#start(isTold(turn) ? 'told' : 'found', () => run.work(turn));
    }
  }

  #lanes(): readonly Lane[] {
    const mayTakeFound = this.#count('found') < FOUND_AT_ONCE && this.#options.pace.waitMs(RESERVE) === 0;
    if (!mayTakeFound) return TOLD_LANES;
    return this.#turns % FOUND_EVERY === 0 ? FOUND_FIRST : LANES;
  }

  #count(what: 'told' | 'found' | 'survey'): number {
    let count = 0;
    for (const one of this.#running.values()) if (one === what) count += 1;
    return count;
  }

  #start(what: 'told' | 'found' | 'survey', action: () => Promise<Outcome>): void {
    const running: Promise<void> = action()
      .then(
        (outcome) => this.#ended(outcome),
        (error: unknown) => void this.#defects.push(error),
      )
      .finally(() => {
        this.#running.delete(running);
        this.#wake();
      });
    this.#running.set(running, what);
  }

  /** Of several that fail together the first says how long it is calm; the API server may ask for more. */
  #ended(outcome: Outcome): void {
    const now = this.#options.timers.now();
    if (outcome.kind === 'lost') this.#isLost = true;
    if (outcome.kind === 'done' && now >= this.#calmUntil) this.#calm = CALM_MS.first;
    if (outcome.kind !== 'outage') return;
    if (now >= this.#calmUntil) {
      this.#calmUntil = now + this.#calm;
      this.#calm = Math.min(this.#calm * 2, CALM_MS.longest);
    }
    this.#calmUntil = Math.max(this.#calmUntil, now + (outcome.retryAfterMs ?? 0));
  }

  #waitMs(): number {
    const { timers, pace } = this.#options;
    const untilDigest = Math.max(1, this.#digestAt - timers.now());
    const untilPace = pace.waitMs(RESERVE);
    return untilPace === 0 ? untilDigest : Math.min(untilDigest, Math.max(1, untilPace));
  }

  #tellProblems(): void {
    const problems = this.#options.run.problems();
    const told = JSON.stringify(problems);
    if (told !== this.#told) this.#options.onProblems(problems);
    this.#told = told;
  }
}

function isTold({ lane }: Turn): boolean {
  return TOLD_LANES.includes(lane);
}
