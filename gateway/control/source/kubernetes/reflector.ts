// Promises: everything that one path of the API holds, told once as a list and then as changes; after any failure it goes on where it was.
// Never: keeps objects, answers a failure with a storm of requests, believes a silent stream for ever.
// Called by: watched-scope.ts, which is told what it finds.

import { Backoff } from '../../../support/backoff.ts';
import { realTimers, type Timers } from '../../../support/timers.ts';
import type { ApiClient } from '../../kubernetes/api-client.ts';
import { ApiError, errorOfStatus } from '../../kubernetes/api-error.ts';
import { type WatchEvent, watchEvents } from './watch-events.ts';

/** What a reflector finds. A list begins, comes in pages, and ends; what it does not name by then is gone. */
export type ReflectorSink = {
  listBegins(): void;
  listed(objects: readonly unknown[]): void;
  listEnds(): void;
  /** Created or changed. */
  changed(object: unknown): void;
  deleted(object: unknown): void;
  /** The server was heard: what was told so far is the truth. */
  inSync(): void;
  failed(error: ApiError): void;
};

export type ReflectorTimings = {
  readonly pageSize: number;
  /** Of one page. */
  readonly listTimeoutMs: number;
  /** The server ends a watch after a time between these; shorter where no bookmarks show that it is alive. */
  readonly watchSeconds: Range;
  readonly watchSecondsWithoutBookmarks: Range;
  /** Bookmarks come every minute; so long without any word is a stalled stream. */
  readonly silenceMs: number;
  /** A watch that lived so long, or told something, was a good one. */
  readonly healthyMs: number;
  readonly backoff: { readonly firstMs: number; readonly longestMs: number };
};

type Range = { readonly from: number; readonly to: number };

const REFLECTOR_TIMINGS: ReflectorTimings = {
  pageSize: 1_000,
  listTimeoutMs: 30_000,
  watchSeconds: { from: 300, to: 600 },
  watchSecondsWithoutBookmarks: { from: 90, to: 180 },
  silenceMs: 150_000,
  healthyMs: 5_000,
  backoff: { firstMs: 400, longestMs: 15_000 },
};

export type ReflectorOptions = {
  readonly client: Pick<ApiClient, 'request' | 'stream' | 'epoch'>;
  readonly path: string;
  readonly sink: ReflectorSink;
  /**
   * Awaited before a list, and before anything is believed of a page that has come or of a watch that has begun: up to
   * which version the cluster has come (after `since`, of the timers' clock), if that can be known. Throws when it is not
   * the right cluster.
   */
  readonly check?: (since?: number) => Promise<string | undefined>;
  /** An exception in our own code: all is listed anew. */
  readonly onDefect: (error: unknown) => void;
  readonly timings?: Partial<ReflectorTimings>;
  readonly timers?: Timers;
  readonly random?: () => number;
};

/** How it has fared, for people. */
export type ReflectorCounts = { lists: number; watches: number; failures: number };

/** A server that asks to be left alone for longer is asked again after so long. */
const LONGEST_RETRY_AFTER_MS = 120_000;

/** A list without pages is all that there is of a kind. */
const WHOLE_LIST_FACTOR = 5;

/** All kinds and all nodes return to a server that is back within this time. */
const HURRY_MS = 500;

/** Lists one path of the API and watches it from there. */
export class Reflector {
  readonly counts: ReflectorCounts = { lists: 0, watches: 0, failures: 0 };
  readonly #options: ReflectorOptions;
  readonly #timings: ReflectorTimings;
  readonly #timers: Timers;
  readonly #random: () => number;
  readonly #backoff: Backoff;
  /** Up to which version everything was told; undefined: list anew. */
  #version: string | undefined;
  #bookmarks = false;
  #wasOutage = false;
  #stopped = false;
  #running = new AbortController();
  #wake: (() => void) | undefined;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#timings = { ...REFLECTOR_TIMINGS, ...options.timings };
    this.#timers = options.timers ?? realTimers;
    this.#random = options.random ?? Math.random;
    this.#backoff = new Backoff({ ...this.#timings.backoff, random: this.#random });
  }

  /** Goes on until `stop`. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      this.#running = new AbortController();
      try {
        if (this.#version === undefined) await this.#list();
        else await this.#watch(this.#version);
      } catch (error) {
        if (!this.#stopped) await this.#recover(error);
      }
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#interrupt();
  }

  /** Lists anew as soon as possible, whatever it is doing: what is wanted of the objects has changed. */
  relist(): void {
    this.#version = undefined;
    this.#interrupt();
  }

  /** Ends a pause, not quite at once: others wait for the same server. */
  hurry(): void {
    this.#timers.after(this.#random() * HURRY_MS, () => this.#wake?.());
  }

  #interrupt(): void {
    this.#running.abort();
    this.#wake?.();
  }

  /** A continue token that expired in the middle is answered once, by one list without pages. */
  async #list(): Promise<void> {
    await this.#options.check?.();
    const timeoutMs = this.#timings.listTimeoutMs;
    try {
      await this.#listOnce({ limit: this.#timings.pageSize, timeoutMs });
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isExpired) throw error;
      await this.#listOnce({ timeoutMs: WHOLE_LIST_FACTOR * timeoutMs });
    }
  }

  async #listOnce({ limit, timeoutMs }: { readonly limit?: number; readonly timeoutMs: number }): Promise<void> {
    const { client, path, sink } = this.#options;
    const { signal } = this.#running;
    this.counts.lists += 1;
    sink.listBegins();
    const ask = async (next?: string): Promise<Page> => {
      const query = { limit, continue: next };
      const answer = client.request({ method: 'GET', path, query, timeoutMs, signal });
      const { epoch } = client;
      const page = readPage(await answer);
      await this.#verify(epoch);
      return page;
    };
    let page = await ask();
    if (signal.aborted) return;
    while (page.next !== undefined) {
      // The next page is on its way while this one is read.
      const next = ask(page.next);
      next.catch(() => undefined);
      sink.listed(page.items);
      page = await next;
      // Stopped, or a relist was asked for, while the page was on its way: a successor may have told more by now.
      if (signal.aborted) return;
    }
    sink.listed(page.items);
    this.#version = page.version;
    sink.listEnds();
    sink.inSync();
  }

  async #watch(version: string): Promise<void> {
    const { client, path } = this.#options;
    const { signal } = this.#running;
    const seconds = this.#seconds();
    const query = { watch: true, resourceVersion: version, allowWatchBookmarks: true, timeoutSeconds: seconds };
    const idleMs = this.#bookmarks ? this.#timings.silenceMs : seconds * 1000 + 30_000;
    this.counts.watches += 1;
    const answer = client.stream({ method: 'GET', path, query, idleMs, signal });
    const { epoch } = client;
    const stream = await answer;
    const openedAt = this.#timers.now();
    try {
      const reached = await this.#verify(epoch);
      if (signal.aborted) return;
      if (isAhead(version, reached)) return this.#listNext();
      this.#options.sink.inSync();
      for await (const events of watchEvents(stream)) this.#take(events, signal);
    } finally {
      stream.close();
      if (this.#timers.now() - openedAt >= this.#timings.healthyMs) this.#backoff.reset();
    }
    // The server's time was over, or it is going down. One that ends every watch at once is not asked in a loop.
    const wasShort = this.#timers.now() - openedAt < this.#timings.healthyMs;
    if (wasShort && !signal.aborted) await this.#pause(this.#backoff.next());
  }

  /** Asks who has answered just now, and how far that cluster has come: while a watch runs, since its restoration would break it. */
  async #verify(epoch: number): Promise<string | undefined> {
    const reached = await this.#options.check?.(this.#timers.now());
    if (this.#options.client.epoch === epoch) return reached;
    throw new ApiError({ status: 0, reason: 'Interrupted', message: 'other access data is in use now' });
  }

  #listNext(): void {
    this.#version = undefined;
  }

  #take(events: readonly WatchEvent[], signal: AbortSignal): void {
    for (const event of events) {
      if (signal.aborted) return;
      this.#takeOne(event);
    }
    this.#options.sink.inSync();
  }

  #takeOne({ type, object }: WatchEvent): void {
    if (type === 'ERROR') throw errorOfStatus(object);
    const { sink } = this.#options;
    // First, since the sink may ask for a new list.
    this.#advance(metadataOf(object)['resourceVersion']);
    switch (type) {
      case 'ADDED':
      case 'MODIFIED':
        sink.changed(object);
        this.#backoff.reset();
        break;
      case 'DELETED':
        sink.deleted(object);
        this.#backoff.reset();
        break;
      case 'BOOKMARK':
        this.#bookmarks = true;
        break;
      default:
        // A later Kubernetes may have more to say; what it means for objects comes in the types above.
        break;
    }
  }

  #advance(version: string | undefined): void {
    if (version === undefined || (this.#version !== undefined && isOlder(version, this.#version))) return;
    this.#version = version;
  }

  async #recover(error: unknown): Promise<void> {
    const failure = this.#failureOf(error);
    // Stopped by a relist, not failed.
    if (this.#running.signal.aborted) return;
    this.counts.failures += 1;
    // Whoever refuses is there again: an API server that has just started does so for a moment.
    if (this.#wasOutage && !failure.isOutage) this.#backoff.reset();
    this.#wasOutage = failure.isOutage;
    if (failure.isExpired || isFromAnotherTime(failure)) this.#version = undefined;
    else this.#options.sink.failed(failure);
    const asked = Math.min(failure.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS);
    await this.#pause(Math.max(this.#backoff.next(), asked));
  }

  #failureOf(error: unknown): ApiError {
    if (error instanceof ApiError) return error;
    this.#options.onDefect(error);
    this.#version = undefined;
    return new ApiError({ status: 0, reason: 'Interrupted', message: 'an unexpected exception; all is listed anew' });
  }

  #seconds(): number {
    const { watchSeconds, watchSecondsWithoutBookmarks } = this.#timings;
    const { from, to } = this.#bookmarks ? watchSeconds : watchSecondsWithoutBookmarks;
    return Math.round(from + (to - from) * this.#random());
  }

  #pause(ms: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#timers.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}

/** After an older etcd was restored (or on a server that lags behind) our version lies in the future. */
function isFromAnotherTime({ status, message, details }: ApiError): boolean {
  if (status === 0) return false;
  return (
    JSON.stringify(details ?? null).includes('ResourceVersionTooLarge') || /too large resource version/i.test(message)
  );
}

/**
 * After an older etcd was restored, servers take a watch from a version that they have yet to come to, and pass over in
 * silence all that is written until then.
 */
function isAhead(version: string, reached: string | undefined): boolean {
  return reached !== undefined && isOlder(reached, version);
}

/** Versions are numbers of any length (KEP-5504); anything else cannot be compared, and is no older. */
function isOlder(version: string, than: string): boolean {
  if (!NUMBER.test(version) || !NUMBER.test(than)) return false;
  return version.length === than.length ? version < than : version.length < than.length;
}

const NUMBER = /^[1-9]\d*$/;

type Page = { readonly items: readonly unknown[]; readonly version: string; readonly next?: string };

function readPage(list: unknown): Page {
  const { resourceVersion = '', continue: next = '' } = metadataOf(list);
  const items = typeof list === 'object' && list !== null && 'items' in list ? list.items : undefined;
  // Another program's JSON must not look like a cluster that is empty.
  if (items === undefined || resourceVersion === '' || (items !== null && !Array.isArray(items)))
    throw new ApiError({ status: 0, reason: 'BadAnswer', message: 'the answer to a list is no list of an API server' });
  // Go writes an empty list as null.
  return { items: items ?? [], version: resourceVersion, ...(next !== '' && { next }) };
}

/** The strings of an object's metadata. */
function metadataOf(object: unknown): Readonly<Record<string, string | undefined>> {
  const metadata = typeof object === 'object' && object !== null && 'metadata' in object ? object.metadata : undefined;
  return typeof metadata === 'object' && metadata !== null ? (metadata as Record<string, string | undefined>) : {};
}
