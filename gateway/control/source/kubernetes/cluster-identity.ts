// Promises: nothing is read from another cluster than the one that all objects came from; how far that cluster has come.
// Never: asks more often than needed: lists and watches of one moment share one question.
// Called by: reflectors, through watched-scope.ts.
import type { ApiClient } from '../../kubernetes/api-client.ts';
import { ApiError } from '../../kubernetes/api-error.ts';

/** `unknown`: it cannot be asked who it is, for want of a right. */
export type ClusterVerdict = 'same' | 'unknown';

/** The reason of the ApiError for an entirely different (or newly made) cluster under the known address. */
export const OTHER_CLUSTER = 'OtherCluster';

/** Lists of one moment share one question. */
const FRESH_MS = 2_000;

const NO_LIST = 'the answer to a list of namespaces is no list of an API server';

type Sight = { readonly askedAt: number; readonly uid: string | undefined; readonly version: string | undefined };

/** Tells one cluster from another by the uid of the namespace `kube-system`, which lives as long as the cluster. */
export class ClusterIdentity {
  readonly #client: Pick<ApiClient, 'request'>;
  readonly #now: () => number;
  #expected: string | undefined;
  #sight: Sight | undefined;
  #asking: { readonly since: number; readonly sight: Promise<Sight> } | undefined;

  /** `expected` is the uid that is known from before a restart. */
  constructor(client: Pick<ApiClient, 'request'>, expected: string | undefined, now: () => number) {
    this.#client = client;
    this.#expected = expected;
    this.#now = now;
  }

  get verdict(): ClusterVerdict {
    return this.#sight?.uid === undefined || this.#expected === undefined ? 'unknown' : 'same';
  }

  /**
   * Asks the cluster who it is, unless it was asked since then (by default: just now). Gives the version that it has
   * reached, if it may be known. Throws an ApiError when another cluster answers, or when a known one cannot be asked.
   */
  async check(since = this.#now() - FRESH_MS): Promise<string | undefined> {
    if (this.#sight === undefined || this.#sight.askedAt < since) this.#sight = await this.#askSince(since);
    const { uid, version } = this.#sight;
    this.#expected ??= uid;
    if (uid === undefined || uid === this.#expected) return version;
    this.#sight = undefined;
    const message = `another cluster answers (its kube-system has the uid ${uid}, not ${this.#expected})`;
    throw new ApiError({ status: 0, reason: OTHER_CLUSTER, message });
  }

  /** A question that runs since before then may be answered with what was before then. */
  #askSince(since: number): Promise<Sight> {
    if (this.#asking === undefined || this.#asking.since < since) {
      const asking = { since: this.#now(), sight: this.#ask() };
      this.#asking = asking;
      const over = (): void => {
        if (this.#asking === asking) this.#asking = undefined;
      };
      asking.sight.then(over, over);
    }
    return this.#asking.sight;
  }

  /** The right to list is there anyway; the right to get need not be. */
  async #ask(): Promise<Sight> {
    const askedAt = this.#now();
    try {
      const query = { fieldSelector: 'metadata.name=kube-system' };
      const list = await this.#client.request({ method: 'GET', path: '/api/v1/namespaces', query });
      const version = versionIn(list);
      if (version === undefined) throw new ApiError({ status: 0, reason: 'BadAnswer', message: NO_LIST });
      return { askedAt, uid: uidIn(list), version };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // A list that comes through where this did not may be anybody's.
      if (this.#expected !== undefined && error.status !== 403) throw error;
      return { askedAt, uid: undefined, version: undefined };
    }
  }
}

function uidIn(list: unknown): string | undefined {
  const items = typeof list === 'object' && list !== null && 'items' in list ? list.items : undefined;
  return Array.isArray(items) ? items.map(kubeSystemUid).find((uid) => uid !== undefined) : undefined;
}

function versionIn(list: unknown): string | undefined {
  const { resourceVersion } = metadataOf(list);
  return typeof resourceVersion === 'string' && resourceVersion !== '' ? resourceVersion : undefined;
}

/** The uid in an object, if it is the namespace `kube-system`. */
export function kubeSystemUid(object: unknown): string | undefined {
  const { name, uid } = metadataOf(object);
  return name === 'kube-system' && typeof uid === 'string' ? uid : undefined;
}

function metadataOf(object: unknown): {
  readonly name?: unknown;
  readonly uid?: unknown;
  readonly resourceVersion?: unknown;
} {
  if (typeof object !== 'object' || object === null || !('metadata' in object)) return {};
  return typeof object.metadata === 'object' && object.metadata !== null ? object.metadata : {};
}
