// Promises: what became of each object stands on the object, as a condition and as Events, soon after it changed.
// Never: writes without leading, about another version than was judged, more than a few objects a second, or against another writer for ever.
// Called by: the election, for as long as this node leads; roles/control.ts tells it what changed.
import type { Problem } from '../../snapshot/problem.ts';
import { pause } from '../../support/pause.ts';
import { realTimers, type Timers } from '../../support/timers.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import type { Discovery } from '../kubernetes/discovery.ts';
import { fenced, type Term } from '../leader/term.ts';
import type { ResourceKey } from '../resource/resource.ts';
import type { StoredObject } from '../source/object-store.ts';
import { StatusRun } from './status-run.ts';

/** Changes are gathered for so long. */
const DIGEST_MS = 1_000;
/** One object every so often, so that an API server hardly notices. */
const TURN_MS = 200;
/** What others have done to our conditions is looked at this often. */
const SURVEY_MS = 10 * 60_000;
/** An API server that cannot answer is asked again after so long, later each time. */
const CALM_MS = { first: 2_000, longest: 60_000 };

export type StatusWriterOptions = {
  readonly api: Pick<ApiClient, 'request'>;
  readonly discovery: Pick<Discovery, 'find'>;
  /** Empty: all namespaces. */
  readonly namespaces: readonly string[];
  readonly objects: { get(key: ResourceKey): StoredObject | undefined };
  readonly problems: () => readonly Problem[];
  readonly isQuarantined: (key: ResourceKey) => boolean;
  /** What was told before a round begins is judged when it has concluded; what was told to an idle controller is. */
  readonly rounds: () => { readonly begun: number; readonly concluded: number; readonly isIdle: boolean };
  /** Whether an object of the API server is the newest version that the source has told. */
  readonly isNewest: (key: ResourceKey, object: unknown) => boolean;
  /** Name of this node. */
  readonly node: string;
  readonly onProblems: (problems: readonly Problem[]) => void;
  readonly timers?: Timers;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
};

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #timers: Timers;
  #run: StatusRun | undefined;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#timers = options.timers ?? realTimers;
  }

  /** The source has told of this object. */
  changed(key: ResourceKey): void {
    this.#run?.changed(key);
  }

  /** Writes until the term ends; what was not written by then is found by whoever leads next. */
  async work(term: Term): Promise<void> {
    const { api, clock = Date.now } = this.#options;
    const run = new StatusRun({ ...this.#options, clock, api: fenced(api, term), now: () => this.#timers.now() });
    this.#run = run;
    try {
      await this.#loop(run, term);
    } finally {
      this.#run = undefined;
      this.#options.onProblems([]);
    }
  }

  async #loop(run: StatusRun, term: Term): Promise<void> {
    let surveyAt = this.#timers.now();
    let digestAt = surveyAt;
    let calm = CALM_MS.first;
    while (term.isHeld()) {
      const now = this.#timers.now();
      if (digestAt <= now) {
        run.digest();
        digestAt = now + DIGEST_MS;
      }
      if (run.hasOverflowed()) surveyAt = now;
      const isSurvey = surveyAt <= now;
      const outcome = isSurvey ? await run.survey() : await run.turn();
      if (isSurvey && outcome !== 'outage') surveyAt = now + SURVEY_MS;
      if (outcome === 'lost') return;
      this.#options.onProblems(run.problems());
      calm = outcome === 'outage' ? Math.min(calm * 2, CALM_MS.longest) : CALM_MS.first;
      const wait = { idle: Math.max(0, digestAt - now), done: TURN_MS, outage: calm }[outcome];
      await pause(this.#timers, wait, term.signal);
    }
  }
}
