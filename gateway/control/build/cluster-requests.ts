import type { Change } from '../resource/catalog/bucket-index.ts';
import type { ClusterRequest } from './clusters.ts';
import type { VirtualHostPlan } from './virtual-hosts.ts';

/** How often a cluster is asked for, by the namespace of who asks: the key says everything else. */
type Asked = Map<string, { readonly request: ClusterRequest; count: number }>;

/** Which clusters all virtual hosts together ask for. */
export class ClusterRequests {
  readonly #asked = new Map<string, Asked>();

  /** If rules of several namespaces ask for a host that nothing answers for, the first by name counts. */
  get(key: string): ClusterRequest | undefined {
    let first: ClusterRequest | undefined;
    for (const { request } of this.#asked.get(key)?.values() ?? [])
      if (first === undefined || request.namespace < first.namespace) first = request;
    return first;
  }

  /** Takes the changed plans; gives the clusters that are new or asked for differently, and those nobody wants now. */
  update(changes: Iterable<Change<VirtualHostPlan>>): {
    readonly wanted: readonly string[];
    readonly dropped: readonly string[];
  } {
    const before = new Map<string, ClusterRequest | undefined>();
    for (const change of changes) {
      for (const request of change.after?.clusters ?? []) this.#count(request, 1, before);
      for (const request of change.before?.clusters ?? []) this.#count(request, -1, before);
    }
    const wanted: string[] = [];
    const dropped: string[] = [];
    for (const [key, previous] of before) {
      const now = this.get(key);
      if (now === undefined) dropped.push(key);
      else if (now.namespace !== previous?.namespace) wanted.push(key);
    }
    return { wanted, dropped };
  }

  /** Notes in `before` who counted until now. */
  #count(request: ClusterRequest, by: 1 | -1, before: Map<string, ClusterRequest | undefined>): void {
    const { key, namespace } = request;
    if (!before.has(key)) before.set(key, this.get(key));
    let asked = this.#asked.get(key);
    if (asked === undefined) this.#asked.set(key, (asked = new Map()));
    const known = asked.get(namespace) ?? { request, count: 0 };
    known.count += by;
    if (known.count > 0) asked.set(namespace, known);
    else asked.delete(namespace);
    if (asked.size === 0) this.#asked.delete(key);
  }
}
