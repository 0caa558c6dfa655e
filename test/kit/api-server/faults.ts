import { ApiStatus } from './api-status.ts';
import type { Door } from './door.ts';
import type { Watcher } from './watch.ts';

/** Which requests a fault meets; what is left out means any. */
export type Where = {
  /** `get`, `list`, `watch`, `create`...; discovery is `get`. */
  readonly verbs?: readonly string[];
  /** `services`, `virtualservices.networking.istio.io`; discovery and `/version` have none. */
  readonly resources?: readonly string[];
  readonly namespaces?: readonly string[];
  /** The path without query: for discovery, which has no resource. */
  readonly path?: string;
  /** Which of the server's doors, by index. */
  readonly door?: number;
  /** How many requests it meets before it is over. */
  readonly times?: number;
};

export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly retryAfterSeconds?: number; readonly message?: string }
  /** The answer comes late. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** The answer never comes. */
  | { readonly kind: 'hang' }
  /** 200 and half of the JSON, properly ended; a watch gets a broken line. */
  | { readonly kind: 'malformed' }
  /** 200 and half of the JSON, then a reset. */
  | { readonly kind: 'truncated' }
  /** Lists answer as if there were nothing. */
  | { readonly kind: 'empty' }
  /** 200 with a page of HTML, as a load balancer has it; or with JSON of something else than an API server. */
  | { readonly kind: 'page' | 'foreign json' }
  /** Discovery cannot ask the server of a group; or leaves the group out, as just after a start. */
  | { readonly kind: 'stale group' | 'unlisted group'; readonly group: string };

/** A request as faults see it. */
export type Seen = {
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string;
  readonly path: string;
  readonly door: number;
};

type Rule = { readonly fault: Fault; readonly where: Where; left: number };

const REASONS: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  401: ['Unauthorized', 'Unauthorized'],
  403: ['Forbidden', 'forbidden by a test'],
  410: ['Expired', 'too old resource version'],
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  500: ['InternalError', 'Internal error occurred: ordered by a test'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'the request timed out'],
};

/** Everything that can go wrong with this server, on order. `clear` makes it well again. */
export class Faults {
  readonly #doors: () => readonly Door[];
  readonly #watchers: ReadonlySet<Watcher>;
  #rules: Rule[] = [];
  #stalled = false;
  #stopFlapping: (() => Promise<void>) | undefined;

  constructor(doors: () => readonly Door[], watchers: ReadonlySet<Watcher>) {
    this.#doors = doors;
    this.#watchers = watchers;
  }

  /** Orders a fault for the requests described; the function returned takes it back. */
  add(fault: Fault, where: Where = {}): () => void {
    const rule: Rule = { fault, where, left: where.times ?? Number.POSITIVE_INFINITY };
    this.#rules.push(rule);
    return () => {
      this.#rules = this.#rules.filter((other) => other !== rule);
    };
  }

  /** `add` of a status answer, the most usual fault. */
  answer(status: number, where: Where & { readonly retryAfterSeconds?: number } = {}): () => void {
    const { retryAfterSeconds, ...rest } = where;
    return this.add(
      { kind: 'status', status, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) },
      rest,
    );
  }

  /** Closes the ports (all, or one): connections break, new ones are refused. */
  async down(door?: number): Promise<void> {
    await Promise.all(this.#chosen(door).map((each) => each.shut()));
  }

  /** Opens what `down` and `reset` closed. */
  async up(door?: number): Promise<void> {
    for (const each of this.#chosen(door)) each.welcome();
    await Promise.all(this.#chosen(door).map((each) => each.reopen()));
  }

  /** Breaks all connections, and resets every new one. */
  reset(door?: number): void {
    for (const each of this.#chosen(door)) each.resetAll();
  }

  /** Goes down and up, over and over, until `clear`. */
  flap({ downMs, upMs }: { readonly downMs: number; readonly upMs: number }): void {
    void this.#stopFlapping?.();
    const ending = new AbortController();
    const flapping = this.#flap(ending.signal, downMs, upMs);
    this.#stopFlapping = () => {
      ending.abort();
      return flapping;
    };
  }

  /** Breaks every connection once, mid-stream or idle. */
  breakConnections(): void {
    for (const door of this.#doors()) door.breakConnections();
  }

  /** Resets the watches of a resource, or all. */
  cutWatches(resource?: string): void {
    for (const watcher of this.#watchersOf(resource)) watcher.cut();
  }

  /** Ends watches properly, as the server does at their timeout. */
  endWatches(resource?: string): void {
    for (const watcher of this.#watchersOf(resource)) watcher.end();
  }

  /** Ends watches by an ERROR event, such as 410. */
  failWatches(status: number, resource?: string): void {
    for (const watcher of this.#watchersOf(resource)) watcher.fail(statusOf(status));
  }

  /** Sends bytes into the watches that are no event. */
  garbleWatches(bytes = '{"type":"MODIFIED","object":{"metadata\n', resource?: string): void {
    for (const watcher of this.#watchersOf(resource)) watcher.garble(bytes);
  }

  /** Watches, also new ones, stay open and send not one byte more until `resumeWatches`. */
  stallWatches(): void {
    this.#stalled = true;
    for (const watcher of this.#watchers) watcher.stall();
  }

  resumeWatches(): void {
    this.#stalled = false;
    for (const watcher of this.#watchers) watcher.resume();
  }

  get stalled(): boolean {
    return this.#stalled;
  }

  /** Ends every fault. */
  async clear(): Promise<void> {
    this.#rules = [];
    // Else it would open, a moment later, what `stop` has shut.
    await this.#stopFlapping?.();
    this.resumeWatches();
    await this.up();
  }

  /** The faults that meet a request, in the order they were added; each counts it. */
  meeting(seen: Seen): Fault[] {
    const met = this.#rules.filter((rule) => rule.left > 0 && meets(rule.where, seen));
    for (const rule of met) rule.left -= 1;
    return met.map((rule) => rule.fault);
  }

  #chosen(door: number | undefined): readonly Door[] {
    return door === undefined ? this.#doors() : this.#doors().slice(door, door + 1);
  }

  #watchersOf(resource: string | undefined): Watcher[] {
    return [...this.#watchers].filter((watcher) => resource === undefined || watcher.resource === resource);
  }

  async #flap(signal: AbortSignal, downMs: number, upMs: number): Promise<void> {
    while (!signal.aborted) {
      await this.down();
      await pause(downMs, signal);
      await this.up();
      await pause(upMs, signal);
    }
  }
}

/** The Status that a fault of this code answers. */
export function statusOf(code: number, given: { retryAfterSeconds?: number; message?: string } = {}): ApiStatus {
  const [reason, message] = REASONS[code] ?? ['', `status ${code}, ordered by a test`];
  const { retryAfterSeconds } = given;
  const more = retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } };
  return new ApiStatus(code, reason, given.message ?? message, more);
}

/** Waits, or returns at once when the signal comes. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

function meets(where: Where, seen: Seen): boolean {
  return (
    (where.verbs?.includes(seen.verb) ?? true) &&
    (where.resources?.includes(seen.resource) ?? true) &&
    (where.namespaces?.includes(seen.namespace) ?? true) &&
    (where.path === undefined || where.path === seen.path) &&
    (where.door === undefined || where.door === seen.door)
  );
}
