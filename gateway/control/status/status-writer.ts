// Promises: what became of each object stands on the object, as a condition and as Events, soon after it changed.
// Never: writes without leading, about another version than was judged, faster than an API server likes it, or against another writer for ever.
// Called by: the election, for as long as this node leads; roles/control.ts tells it what changed.
import type { Problem } from '../../snapshot/problem.ts';
import { realTimers, type Timers } from '../../support/timers.ts';
import type { ApiClient, ApiRequest } from '../kubernetes/api-client.ts';
import type { Discovery } from '../kubernetes/discovery.ts';
import { fenced, LeadershipLost, type Term } from '../leader/term.ts';
import type { ResourceKey } from '../resource/resource.ts';
import type { StoredObject } from '../source/object-store.ts';
import { Pace } from './pace.ts';
import { StatusRun } from './status-run.ts';
import { WriteLoop } from './write-loop.ts';

/** Requests a second, as Istio's own status writer has it (PILOT_STATUS_QPS); so many at once after a quiet time. */
const PACE = { perSecond: 100, burst: 40 };

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

/** How writing goes, for metrics: objects that wait for their turn, and requests since this process began. */
export type StatusFigures = { readonly waiting: number; readonly answered: number; readonly failed: number };

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #requests = { answered: 0, failed: 0 };
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

  get figures(): StatusFigures {
    return { waiting: this.#run?.waiting ?? 0, ...this.#requests };
  }

  /** Writes until the term ends; what was not written by then is found by whoever leads next. */
  async work(term: Term): Promise<void> {
    const now = (): number => this.#timers.now();
    const { clock = Date.now } = this.#options;
    const pace = new Pace({ ...PACE, now });
    const api = counted(paced(fenced(this.#options.api, term), pace), this.#requests);
    const run = new StatusRun({ ...this.#options, clock, api, now });
    const { onProblems } = this.#options;
    this.#run = run;
    try {
      await new WriteLoop({ run, pace, timers: this.#timers, term, onProblems }).work();
    } finally {
      this.#run = undefined;
      onProblems([]);
    }
  }
}

/** Every request counts. */
function paced(api: Pick<ApiClient, 'request'>, pace: Pace): Pick<ApiClient, 'request'> {
  return {
    request(request) {
      pace.spend();
      return api.request(request);
    },
  };
}

function counted(
  api: Pick<ApiClient, 'request'>,
  requests: { answered: number; failed: number },
): Pick<ApiClient, 'request'> {
  return {
    async request<T>(request: ApiRequest): Promise<T> {
      try {
        const answer = await api.request<T>(request);
        requests.answered += 1;
        return answer;
      } catch (error) {
        if (!(error instanceof LeadershipLost)) requests.failed += 1;
        throw error;
      }
    },
  };
}
