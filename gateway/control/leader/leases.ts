import type { ApiClient } from '../kubernetes/api-client.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import type { Discovery } from '../kubernetes/discovery.ts';
import { resourcePath, type ServedResource } from '../kubernetes/resource-path.ts';
import { type Lease, leaseObject, parseLease } from './lease.ts';

/** The API server has no Leases: Kubernetes has them from 1.12 on (v1beta1), in v1 from 1.14 on. */
export class NoLeases extends Error {
  override readonly name = 'NoLeases';
}

export type LeasesOptions = {
  readonly api: Pick<ApiClient, 'request'>;
  readonly discovery: Pick<Discovery, 'find' | 'isKnown'>;
  readonly namespace: string;
};

/** Both versions have the same fields. */
const LEASE = { group: 'coordination.k8s.io', kind: 'Lease', versions: ['v1', 'v1beta1'] } as const;

type CallOptions = { readonly timeoutMs: number; readonly signal?: AbortSignal };

/** The Leases of one namespace. Every method rejects with {@link ApiError}, or {@link NoLeases}. */
export class Leases {
  readonly #options: LeasesOptions;

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  get namespace(): string {
    return this.#options.namespace;
  }

  /** Undefined when there is none of that name. */
  async get(name: string, options: CallOptions): Promise<Lease | undefined> {
    try {
      return parsed(await this.#options.api.request({ method: 'GET', path: this.#path(name), ...options }));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async list(labelSelector: string, options: CallOptions): Promise<Lease[]> {
    const path = this.#path();
    const answer = await this.#options.api.request({ method: 'GET', path, query: { labelSelector }, ...options });
    const { items } = (answer ?? {}) as { readonly items?: unknown };
    return (Array.isArray(items) ? items : []).flatMap((item) => parseLease(item) ?? []);
  }

  /** 409 when somebody else made it first. */
  async create(lease: Lease, options: CallOptions): Promise<Lease> {
    const path = this.#path();
    return parsed(await this.#options.api.request({ method: 'POST', path, body: this.#body(lease), ...options }));
  }

  /** 409 when it is not the version that was read. */
  async update(lease: Lease, options: CallOptions): Promise<Lease> {
    const path = this.#path(lease.name);
    return parsed(await this.#options.api.request({ method: 'PUT', path, body: this.#body(lease), ...options }));
  }

  #path(name?: string): string {
    return resourcePath(this.#resource(), { namespace: this.#options.namespace, name });
  }

  #body(lease: Lease): object {
    const { group, version } = this.#resource();
    return leaseObject(lease, { apiVersion: `${group}/${version}`, namespace: this.#options.namespace });
  }

  #resource(): ServedResource {
    const { discovery } = this.#options;
    const found = discovery.find(LEASE);
    if (found !== undefined) return found;
    if (discovery.isKnown) throw new NoLeases('the API server has no coordination.k8s.io');
    throw new ApiError({ status: 0, reason: 'Unreachable', message: 'the API server has not told yet what it serves' });
  }
}

function parsed(answer: unknown): Lease {
  const lease = parseLease(answer);
  if (lease === undefined) throw new ApiError({ status: 0, reason: 'BadAnswer', message: 'the answer is no Lease' });
  return lease;
}
