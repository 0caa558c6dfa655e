import type { ApiClient } from '../../kubernetes/api-client.ts';
import { ApiError } from '../../kubernetes/api-error.ts';

/** `other`: an emptied, restored or entirely different cluster answers under the known address. */
export type ClusterVerdict = 'same' | 'other' | 'unknown';

/** Lists of one moment share one question. */
const FRESH_MS = 2_000;

/** Tells one cluster from another by the uid of the namespace `kube-system`, which lives as long as the cluster. */
export class ClusterIdentity {
  readonly #client: Pick<ApiClient, 'request'>;
  readonly #now: () => number;
  #expected: string | undefined;
  #actual: string | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #checking: Promise<void> | undefined;

  /** `expected` is the uid that is known from before a restart. */
  constructor(client: Pick<ApiClient, 'request'>, expected: string | undefined, now: () => number) {
    this.#client = client;
    this.#expected = expected;
    this.#now = now;
  }

  get verdict(): ClusterVerdict {
    if (this.#actual === undefined || this.#expected === undefined) return 'unknown';
    return this.#actual === this.#expected ? 'same' : 'other';
  }

  /** Asks the cluster who it is, unless it was asked just now. Never fails: then the verdict is `unknown`. */
  async check(): Promise<void> {
    if (this.#now() - this.#checkedAt < FRESH_MS) return;
    this.#checking ??= this.#ask().finally(() => {
      this.#checking = undefined;
    });
    await this.#checking;
  }

  /** The right to list is there anyway; the right to get need not be. */
  async #ask(): Promise<void> {
    try {
      const query = { fieldSelector: 'metadata.name=kube-system' };
      this.#actual = uidIn(await this.#client.request({ method: 'GET', path: '/api/v1/namespaces', query }));
      this.#expected ??= this.#actual;
      this.#checkedAt = this.#now();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#actual = undefined;
    }
  }
}

function uidIn(list: unknown): string | undefined {
  const items = typeof list === 'object' && list !== null && 'items' in list ? list.items : undefined;
  return Array.isArray(items) ? items.map(kubeSystemUid).find((uid) => uid !== undefined) : undefined;
}

/** The uid in an object, if it is the namespace `kube-system`. */
export function kubeSystemUid(object: unknown): string | undefined {
  if (typeof object !== 'object' || object === null || !('metadata' in object)) return undefined;
  const { metadata } = object;
  if (typeof metadata !== 'object' || metadata === null || !('name' in metadata) || !('uid' in metadata))
    return undefined;
  return metadata.name === 'kube-system' && typeof metadata.uid === 'string' ? metadata.uid : undefined;
}
