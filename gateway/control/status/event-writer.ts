import type { ApiClient } from '../kubernetes/api-client.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import { FIELD_MANAGER } from '../kubernetes/field-manager.ts';
import { type EventFacts, eventName, eventNamespace, eventObject, repetition } from './event.ts';
import { Spacing } from './spacing.ts';

/** What is broken is said again before API servers forget it; a warning stands in the condition as well. */
export const REPEAT_MS = 30 * 60_000;
const FORGOTTEN_MS = 60 * 60_000;
const REQUEST_MS = 5_000;
/** Of one object: what comes and goes fills nobody's screen. As kubelets and controllers have it. */
const LIMIT = { burst: 25, everyMs: 5 * 60_000 };

/** `count` is unknown of what another node has told. */
type Told = { readonly at: number; readonly count: number | undefined; isOver: boolean };

/** Writes the Events of objects: each once, again while it lasts, and again when it comes back. Rejects with an ApiError. */
export class EventWriter {
  readonly #api: Pick<ApiClient, 'request'>;
  /** By object, then by name. */
  readonly #told = new Map<string, Map<string, Told>>();
  readonly #spacing = new Spacing(LIMIT);

  constructor(api: Pick<ApiClient, 'request'>) {
    this.#api = api;
  }

  /** True when there is something to write, or to take note of, for an object of which this is to be told. */
  isDue(key: string, all: readonly EventFacts[]): boolean {
    const told = this.#told.get(key) ?? new Map<string, Told>();
    const names = new Set(all.map(eventName));
    const isSomethingOver = told.entries().some(([name, { isOver }]) => !isOver && !names.has(name));
    return (
      isSomethingOver || all.some((facts) => this.#mayTell(key, facts) && isDue(told.get(eventName(facts)), facts))
    );
  }

  /** These are all that there is to tell of an object now. Resolves with whether anything was written. */
  async tell(key: string, all: readonly EventFacts[], now: number): Promise<boolean> {
    const told = this.#told.get(key) ?? new Map<string, Told>();
    this.#told.set(key, told);
    const names = new Set(all.map(eventName));
    for (const [name, one] of told) {
      if (!names.has(name)) one.isOver = true;
      if (one.isOver && now - one.at > FORGOTTEN_MS) told.delete(name);
    }
    const due = all.filter((facts) => isDue(told.get(eventName(facts)), facts));
    let written = 0;
    for (const facts of due) {
      if (now < this.#spacing.earliest(key)) break;
      written += 1;
      await this.#tellOne(told, facts);
      this.#spacing.wrote(key, now);
    }
    if (told.size === 0) this.#told.delete(key);
    return written > 0;
  }

  gone(key: string): void {
    this.#told.delete(key);
    this.#spacing.gone(key);
  }

  /** What has been over for so long that API servers have forgotten it is forgotten here too. */
  sweep(now: number): void {
    for (const [key, told] of this.#told) {
      for (const [name, { at, isOver }] of told) if (isOver && now - at > FORGOTTEN_MS) told.delete(name);
      if (told.size === 0) this.#told.delete(key);
    }
  }

  #mayTell(key: string, { now }: EventFacts): boolean {
    return now >= this.#spacing.earliest(key);
  }

  async #tellOne(told: Map<string, Told>, facts: EventFacts): Promise<void> {
    const name = eventName(facts);
    const before = told.get(name);
    const repeated = before && (await this.#repeat(facts, name, before));
    told.set(name, repeated ?? (await this.#create(facts)));
  }

  async #create(facts: EventFacts): Promise<Told> {
    const path = `/api/v1/namespaces/${eventNamespace(facts.target)}/events`;
    try {
      const query = { fieldManager: FIELD_MANAGER };
      await this.#api.request({ method: 'POST', path, query, body: eventObject(facts), timeoutMs: REQUEST_MS });
      return { at: facts.now, count: 1, isOver: false };
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409) throw error;
      // Another node has told it while it led.
      return { at: facts.now, count: undefined, isOver: false };
    }
  }

  /** Undefined when the API server has forgotten it. */
  async #repeat(facts: EventFacts, name: string, before: Told): Promise<Told | undefined> {
    const count = before.count === undefined ? undefined : before.count + 1;
    try {
      await this.#api.request({
        method: 'PATCH',
        path: `/api/v1/namespaces/${eventNamespace(facts.target)}/events/${encodeURIComponent(name)}`,
        query: { fieldManager: FIELD_MANAGER },
        contentType: 'application/merge-patch+json',
        body: repetition(facts.now, count),
        timeoutMs: REQUEST_MS,
      });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
    return { at: facts.now, count, isOver: false };
  }
}

function isDue(told: Told | undefined, { now, repeats }: EventFacts): boolean {
  return told === undefined || told.isOver || (repeats && now - told.at >= REPEAT_MS);
}
