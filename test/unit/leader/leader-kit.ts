import { ApiError } from '#gateway/control/kubernetes/api-error.ts';
import { Election, type ElectionOptions } from '#gateway/control/leader/election.ts';
import type { Lease } from '#gateway/control/leader/lease.ts';
import type { Term } from '#gateway/control/leader/term.ts';
import { ManualTimers } from '../../kit/manual-timers.ts';

type Call = 'get' | 'create' | 'update';

/** One Lease as an API server keeps it, which can be made to fail. */
export class LeaseServer {
  lease: Lease | undefined;
  readonly writes: string[] = [];
  #version = 0;

  /** What one node sees; `failure` is thrown instead of an answer while it is set. */
  view(): {
    failure: Error | undefined;
    /** The write arrives, its answer does not. */
    losesAnswers: boolean;
    readonly calls: Call[];
    get(name: string): Promise<Lease | undefined>;
    create(lease: Lease): Promise<Lease>;
    update(lease: Lease): Promise<Lease>;
  } {
    const calls: Call[] = [];
    const view = {
      failure: undefined as Error | undefined,
      losesAnswers: false,
      calls,
      get: async () => this.#answer(view, 'get', () => this.lease),
      create: async (lease: Lease) =>
        this.#answer(view, 'create', () => {
          if (this.lease !== undefined) throw conflict();
          return this.#store(lease);
        }),
      update: async (lease: Lease) =>
        this.#answer(view, 'update', () => {
          if (this.lease === undefined) throw new ApiError({ status: 404, reason: 'NotFound', message: 'not found' });
          if (this.lease.resourceVersion !== lease.resourceVersion) throw conflict();
          return this.#store(lease);
        }),
    };
    return view;
  }

  async #answer<T>(
    view: { failure: Error | undefined; losesAnswers: boolean; calls: Call[] },
    call: Call,
    action: () => T,
  ): Promise<T> {
    view.calls.push(call);
    await Promise.resolve();
    if (view.failure !== undefined) throw view.failure;
    const result = action();
    if (view.losesAnswers && call !== 'get') throw unreachable();
    return result;
  }

  #store(lease: Lease): Lease {
    this.#version += 1;
    this.lease = { ...lease, resourceVersion: String(this.#version) };
    this.writes.push(lease.holder?.replace(/_.*/, '') ?? '-');
    return this.lease;
  }
}

/** Clocks of the nodes: one that all share, and what each adds to its wall clock. */
export class Clocks {
  readonly timers = new ManualTimers();

  /** In small steps, so that what was due has its consequences before what comes later. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.timers.advance(Math.min(100, left));
      await turn();
    }
  }
}

export async function turn(): Promise<void> {
  for (let i = 0; i < 4; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A node that takes part in the election and notes when it worked. */
export class Candidate {
  readonly election: Election;
  readonly leases: ReturnType<LeaseServer['view']>;
  readonly terms: Term[] = [];
  /** Added to the wall clock alone. */
  clockStep = 0;

  constructor(server: LeaseServer, clocks: Clocks, node: string, more: Partial<ElectionOptions> = {}) {
    this.leases = server.view();
    this.election = new Election({
      leases: this.leases,
      name: 'mesh-gateway',
      labels: {},
      node,
      work: (term) => this.#work(term),
      onDefect: (error) => {
        throw error;
      },
      timers: clocks.timers,
      clock: () => 1_700_000_000_000 + clocks.timers.now() + this.clockStep,
      random: () => 0.5,
      ...more,
    });
    this.election.start();
  }

  get works(): boolean {
    return this.terms.at(-1)?.signal.aborted === false;
  }

  async #work(term: Term): Promise<void> {
    this.terms.push(term);
    await new Promise<void>((resolve) => term.signal.addEventListener('abort', () => resolve(), { once: true }));
  }
}

export function unreachable(): ApiError {
  return new ApiError({ status: 0, reason: 'Unreachable', message: 'connection refused' });
}

function conflict(): ApiError {
  return new ApiError({ status: 409, reason: 'Conflict', message: 'the object has been modified' });
}
