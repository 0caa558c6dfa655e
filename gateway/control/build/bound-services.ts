import { isDeepStrictEqual } from 'node:util';
import { type Bucket, BucketIndex, type Change } from '../resource/catalog/bucket-index.ts';
import type { CatalogChange, ResourceChange } from '../resource/catalog/catalog.ts';
import { ComputedTable } from '../resource/catalog/computed-table.ts';
import type { Reads } from '../resource/catalog/reads.ts';
import type { ResourceKey, VirtualServiceResource } from '../resource/resource.ts';
import type { AcceptedServer } from './accepted-server.ts';
import { type Binding, bindVirtualService, compareBindings, redirectBindings, virtualHostKey } from './bindings.ts';

/** Who is bound to which name of which listener, kept up to date from build to build. */
export class BoundServices {
  readonly #servers = new BucketIndex<AcceptedServer>({ namesOf: ({ gateway }) => [gateway], compare: byIndex });
  readonly #hosts = new BucketIndex<Binding>({
    namesOf: ({ listener, domain }) => [virtualHostKey(listener, domain)],
    compare: compareBindings,
  });
  /** Bindings hold the VirtualService itself, so that one that was written again is never the same. */
  readonly #bindings: ComputedTable<readonly Binding[]>;
  #given: readonly AcceptedServer[] = [];
  /** Servers of the last build, with the bindings that they have of themselves. */
  #known = new Map<string, { readonly server: AcceptedServer; readonly redirects: readonly Binding[] }>();

  constructor(gatewayNamespace: string, virtualService: (key: ResourceKey) => VirtualServiceResource | undefined) {
    const compute = (key: ResourceKey, reads: Reads): readonly Binding[] => {
      const resource = virtualService(key);
      const gateways = [...new Set(resource?.spec.gateways)];
      const servers = gateways.flatMap((gateway) => reads.items(this.#servers, gateway));
      return resource === undefined ? [] : bindVirtualService(resource, servers, gatewayNamespace);
    };
    this.#bindings = new ComputedTable(compute, () => false);
  }

  /** Takes the servers and the changes of a build; gives the virtual hosts that they touch, by key. */
  update(servers: readonly AcceptedServer[], { resources, revision }: CatalogChange): Map<string, Bucket<Binding>> {
    const { serverChanges, redirectChanges } = this.#replaceServers(servers);
    const services = changedServices(resources);
    const rebound = this.#bindings.refresh({
      ...services,
      changed: this.#servers.apply(serverChanges, revision).values() as Iterable<Bucket<never>>,
    });
    return this.#hosts.apply([...redirectChanges, ...[...rebound.values()].flatMap(eachBinding)], revision);
  }

  /** The bindings of one virtual host, in order. */
  host(key: string): readonly Binding[] {
    return this.#hosts.items(this.#hosts.bucket(key));
  }

  /** The names that a VirtualService has on all listeners. */
  of(key: ResourceKey): readonly Binding[] {
    return this.#bindings.values.get(key) ?? [];
  }

  /** A server that comes out the same keeps its identity, so that its VirtualServices stay as they are. */
  #replaceServers(servers: readonly AcceptedServer[]): {
    serverChanges: Change<AcceptedServer>[];
    redirectChanges: Change<Binding>[];
  } {
    if (servers === this.#given) return { serverChanges: [], redirectChanges: [] };
    this.#given = servers;
    const previous = this.#known;
    const changes: Change<{ server: AcceptedServer; redirects: readonly Binding[] }>[] = [];
    this.#known = new Map();
    for (const server of servers) {
      const key = `${server.gateway}#${server.index}`;
      const before = previous.get(key);
      const same = before !== undefined && isDeepStrictEqual(before.server, server);
      const after = same ? before : { server, redirects: redirectBindings(server) };
      this.#known.set(key, after);
      if (!same) changes.push({ before, after });
    }
    for (const [key, before] of previous) if (!this.#known.has(key)) changes.push({ before });
    return {
      serverChanges: changes.map(({ before, after }) => ({ before: before?.server, after: after?.server })),
      redirectChanges: changes.flatMap(({ before, after }) =>
        eachBinding({ before: before?.redirects, after: after?.redirects }),
      ),
    };
  }
}

/** VirtualServices that came or were replaced, and those that went. */
function changedServices(changes: readonly ResourceChange[]): { wanted: ResourceKey[]; dropped: ResourceKey[] } {
  const wanted: ResourceKey[] = [];
  const dropped: ResourceKey[] = [];
  for (const { key, before, after } of changes) {
    if (after?.kind === 'VirtualService') wanted.push(key);
    else if (before?.kind === 'VirtualService') dropped.push(key);
  }
  return { wanted, dropped };
}

function byIndex(a: AcceptedServer, b: AcceptedServer): number {
  return a.index - b.index;
}

function eachBinding({ before = [], after = [] }: Change<readonly Binding[]>): Change<Binding>[] {
  return [...before.map((binding) => ({ before: binding })), ...after.map((binding) => ({ after: binding }))];
}
