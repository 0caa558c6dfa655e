// Promises: every object of a cluster that the gateway would read, as it is now, and which kinds may not be read.
// Never: watches, keeps anything, reads a Secret that no Gateway of this appliance names.
// Called by: validate-against.ts.
import type { ApiClient } from '../../kubernetes/api-client.ts';
import { ApiError } from '../../kubernetes/api-error.ts';
import { Discovery } from '../../kubernetes/discovery.ts';
import { resourcePath, type ServedResource } from '../../kubernetes/resource-path.ts';
import type { Labels, Resource, ResourceKey } from '../../resource/resource.ts';
import { keyOfObject, slimmed, toVersion } from './object-version.ts';
import { isUsableSecret, WantedSecrets } from './wanted-secrets.ts';
import { type EndpointMode, type WatchedKind, watchedGroups, watchedKinds } from './watched-kinds.ts';

/** What a cluster holds; `unread` names kinds that this account may not list. */
export type ClusterObjects = {
  readonly resources: Map<ResourceKey, Resource>;
  readonly unread: readonly string[];
};

/** A page of a list. */
const PAGE = 500;

/** Reads a cluster once. Throws an ApiError when it cannot be reached at all. */
export async function readCluster(
  client: ApiClient,
  gateway: { readonly namespace: string; readonly labels: Labels; readonly endpoints?: EndpointMode },
  given: readonly Resource[],
): Promise<ClusterObjects> {
  const kinds = watchedKinds(gateway.endpoints ?? 'pods');
  const discovery = new Discovery(client, watchedGroups(kinds));
  await discovery.refresh();
  const reading = new Reading(client, discovery);
  for (const kind of kinds.filter(({ named }) => named === undefined)) await reading.list(kind);
  const wanted = new WantedSecrets(gateway);
  for (const [key, resource] of reading.resources) wanted.update(key, resource);
  for (const [index, resource] of given.entries()) wanted.update(`given ${index}`, resource);
  for (const kind of kinds.filter(({ named }) => named === true)) await readSecrets(kind, wanted, reading);
  return { resources: reading.resources, unread: [...reading.unread] };
}

/** As the running gateway does: beside a Gateway only what its own namespace lacks. */
async function readSecrets(kind: WatchedKind, wanted: WantedSecrets, reading: Reading): Promise<void> {
  const wants = (key: ResourceKey): boolean => wanted.has(key);
  const own = wanted.namespaces(kind.kind, () => false);
  for (const namespace of own) await reading.list(kind, { namespace, wants });
  const all = wanted.namespaces(kind.kind, (key) => !isUsableSecret(reading.resources.get(key)));
  for (const namespace of all.difference(own)) await reading.list(kind, { namespace, wants });
}

type Part = { readonly namespace: string; readonly wants: (key: ResourceKey) => boolean };

class Reading {
  readonly resources = new Map<ResourceKey, Resource>();
  readonly unread = new Set<string>();
  readonly #client: ApiClient;
  readonly #discovery: Discovery;

  constructor(client: ApiClient, discovery: Discovery) {
    this.#client = client;
    this.#discovery = discovery;
  }

  async list(kind: WatchedKind, part?: Part): Promise<void> {
    const resource = this.#find(kind);
    if (resource === undefined || (kind.insteadOf !== undefined && this.#find(kind.insteadOf) !== undefined)) return;
    try {
      await this.#pages(kind, resource, part);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 403) throw error;
      this.unread.add(kind.kind);
    }
  }

  #find({ group, kind, written = kind, versions }: WatchedKind): ServedResource | undefined {
    return this.#discovery.find({ group, kind: written, versions });
  }

  async #pages(kind: WatchedKind, resource: ServedResource, part: Part | undefined): Promise<void> {
    const path = resourcePath(resource, { namespace: part?.namespace });
    let token: string | undefined;
    do {
      const query = { limit: PAGE, continue: token };
      const page = await this.#client.request<Page>({ method: 'GET', path, query });
      for (const object of page.items ?? []) this.#take(object, kind, resource, part);
      token = page.metadata?.continue || undefined;
    } while (token !== undefined);
  }

  #take(object: unknown, kind: WatchedKind, resource: ServedResource, part: Part | undefined): void {
    const key = keyOfObject(object, kind, resource);
    if (key === undefined || part?.wants(key) === false) return;
    const { resource: read } = toVersion(key, slimmed(object, resource, kind.slim), resource);
    if (read !== undefined) this.resources.set(key, read);
  }
}

type Page = { readonly items?: readonly unknown[]; readonly metadata?: { readonly continue?: string } };
