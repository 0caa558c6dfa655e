// Promises: at most one node of all that share a Lease does the work at a time, and another goes on when it cannot.
// Never: trusts another node's clock, or lets the work go on after its own time is over, whatever held the process up.
// Called by: roles/control.ts where objects come from a cluster. The way of client-go's leaderelection, with Leases.
import { randomBytes } from 'node:crypto';
import { pause } from '../../support/pause.ts';
import { realTimers, type Timers } from '../../support/timers.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import { type Lease, microTime } from './lease.ts';
import { type Leases, NoLeases } from './leases.ts';
import type { Term } from './term.ts';

/** Another node takes over when it has seen no renewal for so long. */
export const LEASE_MS = 15_000;
/** The leader stops by itself when it could not renew for so long. */
export const RENEW_DEADLINE_MS = 10_000;
/** Between two tries to take or to renew; a fifth more at most, by chance, while another leads. */
export const RETRY_MS = 2_000;
const JITTER = 0.2;
/** One request; several fit into the deadline. */
const REQUEST_MS = 3_000;
/** Work gets so long to notice its end before the lease is given back at a stop. */
const WIND_UP_MS = 500;
/** The supervisor does not wait long at a stop. */
const RELEASE_MS = 1_000;

/** Why this node cannot take part, as far as somebody can mend it. */
export type ElectionTrouble =
  | { readonly kind: 'no-leases' }
  | { readonly kind: 'refused'; readonly message: string }
  /** It may come and go; the source tells of an API server that does not answer. */
  | { readonly kind: 'unreachable'; readonly message: string };

export type ElectionOptions = {
  readonly leases: Pick<Leases, 'get' | 'create' | 'update'>;
  /** Name of the Lease. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Name of this node. */
  readonly node: string;
  /** Runs while this node leads. Resolves soon after `term.signal` is aborted; before, only when there is nothing left to do. */
  readonly work: (term: Term) => Promise<void>;
  /** Called when leadership, the known holder or a trouble changed. */
  readonly onChange?: () => void;
  /** An exception of the work; the node goes on leading without it until the next term. */
  readonly onDefect: (error: unknown) => void;
  readonly timers?: Timers;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  readonly random?: () => number;
};

/** The lease of another as it was last seen to change. */
type Observation = { readonly lease: Lease; readonly record: string; readonly at: number };

export class Election {
  readonly #options: ElectionOptions;
  readonly #timers: Timers;
  readonly #clock: () => number;
  /** Of this process: one that is started anew on the same node did not take the lease that its predecessor has. */
  readonly #identity: string;
  readonly #stop = new AbortController();
  #observation: Observation | undefined;
  #term: HeldTerm | undefined;
  #trouble: ElectionTrouble | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#timers = options.timers ?? realTimers;
    this.#clock = options.clock ?? Date.now;
    this.#identity = `${options.node}_${randomBytes(4).toString('hex')}`;
  }

  /** True while this node leads. */
  get isLeader(): boolean {
    return this.#term?.isHeld() ?? false;
  }

  /** Name of the node that holds the lease as far as is known; undefined when nobody does. */
  get leader(): string | undefined {
    if (this.isLeader) return this.#options.node;
    const { lease } = this.#observation ?? {};
    return lease?.holder === this.#identity ? undefined : nodeOf(lease?.holder);
  }

  get trouble(): ElectionTrouble | undefined {
    return this.#trouble;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the work, and gives the lease back, so that another node need not wait for it to run out. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const lease = await this.#try(() => this.#acquire());
      if (lease !== undefined) await this.#lead(lease);
      else await this.#pause(RETRY_MS * (1 + JITTER * (this.#options.random ?? Math.random)()));
    }
  }

  /** The lease when it was taken; undefined while another has it. */
  async #acquire(): Promise<Taken | undefined> {
    const { leases, name } = this.#options;
    const since = this.#now();
    const options = { timeoutMs: REQUEST_MS, signal: this.#stop.signal };
    const found = await leases.get(name, options);
    if (found === undefined) return { since, lease: await leases.create(this.#fresh(undefined), options) };
    this.#observe(found);
    if (!this.#isFree(found)) return undefined;
    return { since, lease: await leases.update(this.#fresh(found), options) };
  }

  /** Another's clock is never asked: the time runs from the moment in which its last renewal was seen here. */
  #observe(lease: Lease): void {
    const record = JSON.stringify([lease.holder, lease.acquiredAt, lease.renewedAt, lease.transitions]);
    if (this.#observation?.record === record) return;
    const before = this.leader;
    this.#observation = { lease, record, at: this.#timers.now() };
    if (this.leader !== before) this.#options.onChange?.();
  }

  #isFree(lease: Lease): boolean {
    // Our own, of a term that is over: its work has ended, and nobody has taken it meanwhile.
    if (lease.holder === undefined || lease.holder === this.#identity) return true;
    const lasts = Math.max(lease.durationSeconds * 1000, LEASE_MS);
    return this.#timers.now() - (this.#observation?.at ?? this.#timers.now()) >= lasts;
  }

  #fresh(old: Lease | undefined): Lease {
    const now = microTime(this.#clock());
    return {
      name: this.#options.name,
      ...(old?.resourceVersion !== undefined && { resourceVersion: old.resourceVersion }),
      labels: { ...old?.labels, ...this.#options.labels },
      annotations: old?.annotations ?? {},
      holder: this.#identity,
      durationSeconds: LEASE_MS / 1000,
      acquiredAt: now,
      renewedAt: now,
      transitions: old === undefined ? 0 : old.transitions + (old.holder === this.#identity ? 0 : 1),
    };
  }

  async #lead({ lease, since }: Taken): Promise<void> {
    const term = new HeldTerm({ moment: since, now: () => this.#now(), timers: this.#timers, stop: this.#stop.signal });
    this.#term = term;
    this.#options.onChange?.();
    const work = this.#options.work(term).catch((error: unknown) => {
      if (!term.signal.aborted) this.#options.onDefect(error);
    });
    const last = await this.#renew(term, lease);
    term.end();
    this.#options.onChange?.();
    await Promise.race([work, pause(this.#timers, WIND_UP_MS)]);
    if (this.#stop.signal.aborted && last !== undefined) await this.#release(last);
    // Two works at once are worse than none for a while.
    await work;
    this.#term = undefined;
  }

  /** Until the term ends. Resolves with the lease as we have last written it; undefined when it is another's by now. */
  async #renew(term: HeldTerm, taken: Lease): Promise<Lease | undefined> {
    let lease: Lease | undefined = taken;
    for (;;) {
      await Promise.race([this.#pause(RETRY_MS), term.ended]);
      if (!term.isHeld()) return lease;
      const held: Lease = lease;
      const since = this.#now();
      const options = { timeoutMs: REQUEST_MS, signal: term.signal };
      const renewed = await this.#try(() => this.#updated(held, (one) => this.#renewed(one), options));
      if (renewed === 'lost') return undefined;
      if (renewed === undefined) continue;
      lease = renewed;
      term.renewed(since);
    }
  }

  /** After a conflict the newest is read: our own write may have arrived though its answer did not. */
  async #updated(
    lease: Lease,
    change: (lease: Lease) => Lease,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Lease | 'lost'> {
    const { leases, name } = this.#options;
    try {
      return await leases.update(change(lease), options);
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 409 && error.status !== 404)) throw error;
    }
    const found = await leases.get(name, options);
    // Deleted by somebody: whoever makes it first leads, and that is found out as every node does.
    if (found === undefined) return 'lost';
    this.#observe(found);
    if (found.holder !== this.#identity) return 'lost';
    return leases.update(change(found), options);
  }

  #renewed(lease: Lease): Lease {
    return { ...lease, renewedAt: microTime(this.#clock()) };
  }

  async #release(lease: Lease): Promise<void> {
    const now = microTime(this.#clock());
    const free = ({ holder: _holder, ...rest }: Lease): Lease => ({
      ...rest,
      durationSeconds: 1,
      acquiredAt: now,
      renewedAt: now,
    });
    await this.#try(() => this.#updated(lease, free, { timeoutMs: RELEASE_MS }));
  }

  /** Undefined when it did not work; what can be mended is kept as a trouble. */
  async #try<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await action();
      this.#setTrouble(undefined);
      return result;
    } catch (error) {
      // Somebody else was quicker: no trouble.
      if (error instanceof ApiError && error.status === 409) return undefined;
      if (this.#stop.signal.aborted || (this.#term?.signal.aborted ?? false)) return undefined;
      this.#setTrouble(troubleOf(error));
      return undefined;
    }
  }

  #setTrouble(trouble: ElectionTrouble | undefined): void {
    const changed = JSON.stringify(trouble) !== JSON.stringify(this.#trouble);
    this.#trouble = trouble;
    if (changed) this.#options.onChange?.();
  }

  #now(): Moment {
    return { monotonic: this.#timers.now(), wall: this.#clock() };
  }

  /** Ends early at a stop. */
  #pause(ms: number): Promise<void> {
    return pause(this.#timers, ms, this.#stop.signal);
  }
}

type Taken = { readonly lease: Lease /** Before it was asked for. */; readonly since: Moment };
/** Both clocks: the monotonic one stands still while a virtual machine is paused, the other one may be set. */
type Moment = { readonly monotonic: number; readonly wall: number };

/** A term that lasts as long as renewals do, by whichever clock says earlier that it is over. */
class HeldTerm implements Term {
  readonly #abort = new AbortController();
  readonly #now: () => Moment;
  readonly #timers: Timers;
  #since: Moment;
  #cancel: () => void = () => undefined;
  readonly ended: Promise<void>;

  constructor(options: {
    readonly moment: Moment;
    readonly now: () => Moment;
    readonly timers: Timers;
    readonly stop: AbortSignal;
  }) {
    this.#now = options.now;
    this.#timers = options.timers;
    this.#since = options.moment;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#abort.signal.addEventListener('abort', () => resolve(), { once: true });
    options.stop.addEventListener('abort', () => this.end(), { once: true, signal: this.#abort.signal });
    this.#watch();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  isHeld(): boolean {
    if (!this.#abort.signal.aborted && this.#left() <= 0) this.end();
    return !this.#abort.signal.aborted;
  }

  /** The lease was renewed by a request that was sent at this moment. */
  renewed(moment: Moment): void {
    // A renewal whose answer came after the deadline does not bring back a term that is over.
    if (!this.isHeld()) return;
    this.#since = moment;
    this.#watch();
  }

  end(): void {
    this.#cancel();
    this.#abort.abort();
  }

  #left(): number {
    const { monotonic, wall } = this.#now();
    return RENEW_DEADLINE_MS - Math.max(monotonic - this.#since.monotonic, wall - this.#since.wall);
  }

  #watch(): void {
    this.#cancel();
    this.#cancel = this.#timers.after(Math.max(0, this.#left()), () => {
      if (this.isHeld()) this.#watch();
    });
  }
}

function nodeOf(holder: string | undefined): string | undefined {
  return holder?.replace(/_[^_]*$/, '');
}

function troubleOf(error: unknown): ElectionTrouble {
  if (error instanceof NoLeases) return { kind: 'no-leases' };
  const message = error instanceof Error ? error.message : String(error);
  const isRefused = error instanceof ApiError && (error.status === 403 || error.status === 404);
  return isRefused ? { kind: 'refused', message } : { kind: 'unreachable', message };
}
