import { isDeepStrictEqual } from 'node:util';
import type { Change } from './bucket-index.ts';
import type { ClusterRequest } from './clusters.ts';
import type { VirtualHostPlan } from './virtual-hosts.ts';

/** Which clusters all virtual hosts together ask for. */
export class ClusterRequests {
  #requests: ReadonlyMap<string, ClusterRequest> = new Map();

  get(key: string): ClusterRequest | undefined {
    return this.#requests.get(key);
  }

  /** Takes the changed plans; gives the clusters that are new or asked for differently, and those nobody wants now. */
  update(
    changes: Iterable<Change<VirtualHostPlan>>,
    plans: Iterable<VirtualHostPlan>,
  ): { readonly wanted: readonly string[]; readonly dropped: readonly string[] } {
    const asksDifferently = [...changes].some(
      ({ before, after }) => !isDeepStrictEqual(before?.clusters ?? [], after?.clusters ?? []),
    );
    if (!asksDifferently) return { wanted: [], dropped: [] };
    const previous = this.#requests;
    const requests = distinctRequests(plans);
    this.#requests = requests;
    return {
      wanted: [...requests].filter(([key, one]) => !isSame(previous.get(key), one)).map(([key]) => key),
      dropped: [...previous.keys()].filter((key) => !requests.has(key)),
    };
  }
}

/** Each cluster once. If rules of several namespaces ask for a host that nothing answers for, the first by name counts. */
function distinctRequests(plans: Iterable<VirtualHostPlan>): Map<string, ClusterRequest> {
  const requests = new Map<string, ClusterRequest>();
  for (const { clusters } of plans) {
    for (const request of clusters) {
      const known = requests.get(request.key);
      if (known === undefined || request.namespace < known.namespace) requests.set(request.key, request);
    }
  }
  return requests;
}

/** The key says everything else. */
function isSame(a: ClusterRequest | undefined, b: ClusterRequest): boolean {
  return a?.namespace === b.namespace;
}
