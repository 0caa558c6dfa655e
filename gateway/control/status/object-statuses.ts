import type { ApiClient } from '../kubernetes/api-client.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import type { Discovery } from '../kubernetes/discovery.ts';
import { FIELD_MANAGER } from '../kubernetes/field-manager.ts';
import { resourcePath, type ServedResource } from '../kubernetes/resource-path.ts';
import { type ResourceKey, resourceKey } from '../resource/resource.ts';
import { type Condition, conditionOn, conditionPatch, says } from './condition.ts';
import { CONDITION_KINDS, placeOf, type Verdict } from './verdict.ts';

const PAGE = 500;
const REQUEST_MS = 5_000;
const LIST_MS = 30_000;

/** What an object in the cluster carries. */
export type Found = { readonly key: ResourceKey; readonly condition: Condition | undefined; readonly seen: Seen };

/** Of an object in the cluster what a write of its condition needs to know. */
export type Seen = {
  readonly metadata: { readonly uid: unknown; readonly resourceVersion: string; readonly generation: number };
  readonly status: { readonly conditions: readonly unknown[] };
};

/**
 * `same`: it says so already; `outdated`: the cluster has another version than was judged; `gone`: there is no such
 * object; `no-status`: the kind has no status subresource.
 */
type WriteOutcome = 'written' | 'same' | 'outdated' | 'gone' | 'no-status';

export type Written = { readonly outcome: WriteOutcome; readonly before?: Condition; readonly now?: Condition };

export type ObjectStatusesOptions = {
  readonly api: Pick<ApiClient, 'request'>;
  readonly discovery: Pick<Discovery, 'find'>;
  /** Empty: all namespaces. */
  readonly namespaces: readonly string[];
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
};

/** The status of objects in the cluster. Every method rejects with an ApiError. */
export class ObjectStatuses {
  readonly #options: ObjectStatusesOptions;

  constructor(options: ObjectStatusesOptions) {
    this.#options = options;
  }

  /** All conditions of ours that objects carry now, page by page. */
  async *survey(): AsyncGenerator<readonly Found[]> {
    const { namespaces } = this.#options;
    for (const kind of CONDITION_KINDS) {
      const resource = this.#resource(kind);
      if (resource === undefined) continue;
      for (const namespace of namespaces.length === 0 ? [undefined] : namespaces)
        yield* this.#pages(resource, resourcePath(resource, { namespace }));
    }
  }

  /**
   * Makes the object's condition say this, unless it does. `judged` tells whether an object is the version that was.
   * `seen`, the judged version as a survey has seen it, is written without asking again, if it is still so.
   */
  async write(
    object: { readonly kind: string; readonly namespace: string; readonly name: string },
    verdict: Verdict | undefined,
    { judged, seen }: { readonly judged: (object: unknown) => boolean; readonly seen?: Seen | undefined },
  ): Promise<Written> {
    const resource = this.#resource(object.kind);
    if (resource === undefined) return { outcome: 'gone' };
    const path = resourcePath(resource, { ...object, subresource: 'status' });
    const quickly = seen && (await this.#writeSeen(path, seen, verdict));
    if (quickly !== undefined) return quickly;
    const found = await this.#get(path);
    if (typeof found === 'string') return { outcome: found };
    if (!judged(found)) return { outcome: 'outdated' };
    const before = conditionOn(found);
    const { generation } = (found as { readonly metadata: { readonly generation?: number } }).metadata;
    if (says(before, verdict, generation ?? 0)) return { outcome: 'same', ...(before && { before, now: before }) };
    return this.#patch(path, found, verdict);
  }

  /** Undefined when something else was written since, or when there is nothing to write to: whoever asks again knows. */
  async #writeSeen(path: string, seen: Seen, verdict: Verdict | undefined): Promise<Written | undefined> {
    const before = conditionOn(seen);
    if (says(before, verdict, seen.metadata.generation))
      return { outcome: 'same', ...(before && { before, now: before }) };
    try {
      return await this.#patch(path, seen, verdict);
    } catch (error) {
      if (error instanceof ApiError && [404, 405, 409].includes(error.status)) return undefined;
      throw error;
    }
  }

  async #patch(path: string, found: object, verdict: Verdict | undefined): Promise<Written> {
    const before = conditionOn(found);
    const body = conditionPatch(found, verdict, new Date(this.#options.clock()).toISOString().replace(/\.\d+Z$/, 'Z'));
    const written = await this.#options.api.request({
      method: 'PATCH',
      path,
      query: { fieldManager: FIELD_MANAGER },
      contentType: 'application/merge-patch+json',
      body,
      timeoutMs: REQUEST_MS,
    });
    const now = conditionOn(written);
    return { outcome: 'written', ...(before && { before }), ...(now && { now }) };
  }

  async *#pages({ kind }: ServedResource, path: string): AsyncGenerator<readonly Found[]> {
    let next: string | undefined;
    do {
      const query = { limit: PAGE, continue: next };
      const list = await this.#options.api.request({ method: 'GET', path, query, timeoutMs: LIST_MS });
      const { items, metadata } = (list ?? {}) as { items?: unknown; metadata?: { continue?: string } };
      yield (Array.isArray(items) ? items : []).flatMap((item) => foundIn(item, kind));
      next = metadata?.continue === '' ? undefined : metadata?.continue;
    } while (next !== undefined);
  }

  /** The right to read and write the status alone is enough: it shows the whole object. */
  async #get(path: string): Promise<object | 'gone' | 'no-status'> {
    try {
      return await this.#options.api.request<object>({ method: 'GET', path, timeoutMs: REQUEST_MS });
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 404 && error.status !== 405)) throw error;
      // Of an object that is not there the API server tells the name.
      const { name } = (error.details ?? {}) as { readonly name?: unknown };
      return typeof name === 'string' && name !== '' ? 'gone' : 'no-status';
    }
  }

  #resource(kind: string): ServedResource | undefined {
    const place = placeOf(kind);
    return place && this.#options.discovery.find({ ...place, kind });
  }
}

function foundIn(item: unknown, kind: string): Found[] {
  const { metadata, status } = (item ?? {}) as {
    readonly metadata?: Readonly<Record<string, unknown>>;
    readonly status?: { readonly conditions?: unknown } | null;
  };
  const { namespace, name, uid, resourceVersion, generation } = metadata ?? {};
  if (typeof namespace !== 'string' || typeof name !== 'string') return [];
  const conditions: unknown = status?.conditions;
  const seen: Seen = {
    metadata: { uid, resourceVersion: String(resourceVersion), generation: Number(generation ?? 0) },
    status: { conditions: Array.isArray(conditions) ? conditions : [] },
  };
  return [{ key: resourceKey({ kind, namespace, name }), condition: conditionOn(item), seen }];
}
