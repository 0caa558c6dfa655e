// Promises: which kinds the cluster serves, in which version and under which path; that a kind came or went is seen at the next refresh.
// Never: takes a group that cannot be asked for one that is gone.
// Called by: the cluster source (which refreshes it), the leader, status and the traffic shift (which only ask).
import type { ApiClient } from './api-client.ts';
import { ApiError } from './api-error.ts';
import { type GroupResources, readAggregated, readGroups, readResources } from './discovery-documents.ts';
import type { ServedResource } from './resource-path.ts';

/** One document for all groups, in the oldest and the newest spelling; servers before 1.26 answer with plain lists. */
const AGGREGATED = [
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList',
  'application/json',
].join(',');

/** Which version of which kind is wanted; the first that is served is taken. */
export type WantedKind = { readonly group: string; readonly kind: string; readonly versions: readonly string[] };

type Root = '/api' | '/apis';

/** What one cluster serves. */
export class Discovery {
  readonly #client: ApiClient;
  /** Groups whose resources are asked one by one where there is no aggregated document. */
  readonly #groups: ReadonlySet<string>;
  readonly #known = new Map<string, GroupResources>();
  /** Groups that are there, and of which something was never told. */
  readonly #untold = new Set<string>();
  readonly #etags = new Map<Root, string>();
  #complete = false;

  constructor(client: ApiClient, groups: Iterable<string>) {
    this.#client = client;
    this.#groups = new Set(groups);
  }

  /** Asks the server again. Throws an ApiError when it cannot be asked; what was known stays then. */
  async refresh(signal?: AbortSignal): Promise<void> {
    await this.#refreshRoot('/api', signal);
    await this.#refreshRoot('/apis', signal);
    this.#complete = true;
  }

  /** True once the server has told everything: before that, absence means nothing. */
  get isKnown(): boolean {
    return this.#complete;
  }

  /** The kind as it is served, in the first of the wanted versions that is; undefined when there is none. */
  find({ group, kind, versions }: WantedKind): ServedResource | undefined {
    const known = this.#known.get(group);
    for (const version of versions) {
      const found = known?.get(version)?.find((resource) => resource.kind === kind);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** True when the cluster serves anything of the group. */
  serves(group: string): boolean {
    return this.#known.has(group);
  }

  /** What it means that a kind is not found: there is none, or another version of it, or nobody could tell yet. */
  whyMissing({ group, kind }: WantedKind): 'absent' | 'unreadable' | 'unknown' {
    if (!this.#complete || this.#untold.has(group)) return 'unknown';
    const versions = this.#known.get(group)?.values() ?? [];
    return Iterator.from(versions).some((resources) => resources.some((resource) => resource.kind === kind))
      ? 'unreadable'
      : 'absent';
  }

  async #refreshRoot(root: Root, signal: AbortSignal | undefined): Promise<void> {
    const answer = await this.#client.getIfChanged({ path: root, accept: AGGREGATED, signal }, this.#etags.get(root));
    if (answer.unchanged) return;
    const aggregated = readAggregated(answer.value);
    if (aggregated === undefined) {
      this.#etags.delete(root);
      return root === '/api' ? this.#refreshCore(signal) : this.#refreshGroups(answer.value, signal);
    }
    this.#replace(root, aggregated.groups, aggregated.stale);
    // Stale groups are told again without any change of theirs.
    if (answer.etag !== undefined && aggregated.stale.size === 0) this.#etags.set(root, answer.etag);
    else this.#etags.delete(root);
  }

  async #refreshCore(signal: AbortSignal | undefined): Promise<void> {
    const list = await this.#client.request({ method: 'GET', path: '/api/v1', signal });
    const resources = readResources(ofKind(list, 'APIResourceList'), '', 'v1');
    this.#replace('/api', new Map([['', new Map([['v1', resources]])]]), new Set());
  }

  async #refreshGroups(list: unknown, signal: AbortSignal | undefined): Promise<void> {
    const groups = new Map<string, GroupResources>();
    const stale = new Set<string>();
    for (const [group, versions] of readGroups(ofKind(list, 'APIGroupList'))) {
      if (!this.#groups.has(group)) continue;
      const resources = new Map<string, readonly ServedResource[]>();
      for (const version of versions) {
        const found = await this.#resourcesOf(group, version, signal);
        if (found === undefined) stale.add(group);
        else resources.set(version, found);
      }
      groups.set(group, resources);
    }
    this.#replace('/apis', groups, stale);
  }

  /** Undefined: the group is there, but its server cannot tell now (an aggregated API that is down). */
  async #resourcesOf(
    group: string,
    version: string,
    signal: AbortSignal | undefined,
  ): Promise<readonly ServedResource[] | undefined> {
    try {
      const list = await this.#client.request({ method: 'GET', path: `/apis/${group}/${version}`, signal });
      return readResources(ofKind(list, 'APIResourceList'), group, version);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // 404: a moment ago the group was there with this version; whether it is gone, the next list of groups tells.
      if (error.status === 404 || error.status >= 500) return undefined;
      throw error;
    }
  }

  /** A stale group keeps what was known of it. */
  #replace(root: Root, groups: ReadonlyMap<string, GroupResources>, stale: ReadonlySet<string>): void {
    for (const group of this.#known.keys())
      if ((group === '') === (root === '/api') && !groups.has(group) && !stale.has(group)) {
        this.#known.delete(group);
        this.#untold.delete(group);
      }
    for (const [group, resources] of groups) {
      if (!this.#groups.has(group) || (stale.has(group) && this.#isTold(group))) continue;
      this.#known.set(group, resources);
      if (stale.has(group)) this.#untold.add(group);
      else this.#untold.delete(group);
    }
  }

  #isTold(group: string): boolean {
    return this.#known.has(group) && !this.#untold.has(group);
  }
}

/** Another program's JSON must not look like a cluster without any kinds. */
function ofKind(document: unknown, kind: string): unknown {
  if (typeof document === 'object' && document !== null && 'kind' in document && document.kind === kind)
    return document;
  throw new ApiError({ status: 0, reason: 'BadAnswer', message: `the answer is no list of what it serves (${kind})` });
}
