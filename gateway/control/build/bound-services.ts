import { isDeepStrictEqual } from 'node:util';
import type { VirtualServiceResource } from '../resource/resource.ts';
import type { AcceptedServer } from './accepted-server.ts';
import { type Binding, bindVirtualService, compareBindings, redirectBindings, virtualHostKey } from './bindings.ts';
import { type Bucket, BucketIndex, type Change } from './bucket-index.ts';
import { MemoOf } from './memo.ts';

/** Who is bound to which name of which listener, kept up to date from build to build. */
export class BoundServices {
  readonly #gatewayNamespace: string;
  readonly #servers = new BucketIndex<AcceptedServer>({ namesOf: ({ gateway }) => [gateway], compare: byIndex });
  readonly #hosts = new BucketIndex<Binding>({
    namesOf: ({ listener, domain }) => [virtualHostKey(listener, domain)],
    compare: compareBindings,
  });
  readonly #bindings = new MemoOf<VirtualServiceResource, readonly Binding[]>();
  /** What the last build put in, to be taken out when it changes. */
  #knownServers = new Map<string, AcceptedServer>();
  #knownBindings = new Map<VirtualServiceResource | AcceptedServer, readonly Binding[]>();

  constructor(gatewayNamespace: string) {
    this.#gatewayNamespace = gatewayNamespace;
  }

  update(
    virtualServices: Iterable<VirtualServiceResource>,
    servers: readonly AcceptedServer[],
    revision: number,
  ): void {
    this.#updateServers(servers, revision);
    const bindings = new Map<VirtualServiceResource | AcceptedServer, readonly Binding[]>();
    for (const server of this.#knownServers.values()) {
      bindings.set(server, this.#knownBindings.get(server) ?? redirectBindings(server));
    }
    for (const service of virtualServices) bindings.set(service, this.#bind(service, revision));
    this.#hosts.apply(changesOf(this.#knownBindings, bindings), revision);
    this.#knownBindings = bindings;
  }

  /** Every virtual host that something is bound to, by key. */
  hosts(): Iterable<readonly [string, Bucket<Binding>]> {
    return this.#hosts.entries();
  }

  /** A server that is merged into the same again keeps its identity, so that its VirtualServices stay as they are. */
  #updateServers(servers: readonly AcceptedServer[], revision: number): void {
    const known = this.#knownServers;
    const next = new Map<string, AcceptedServer>();
    const changes: Change<AcceptedServer>[] = [];
    for (const server of servers) {
      const key = `${server.gateway}#${server.index}`;
      const before = known.get(key);
      const same = isDeepStrictEqual(before, server);
      next.set(key, same && before !== undefined ? before : server);
      if (!same) changes.push({ before, after: server });
    }
    for (const [key, before] of known) if (!next.has(key)) changes.push({ before });
    this.#servers.apply(changes, revision);
    this.#knownServers = next;
  }

  #bind(service: VirtualServiceResource, revision: number): readonly Binding[] {
    const entry = this.#bindings.get(service, '', revision, (reads) => {
      const gateways = new Set(service.spec.gateways);
      const servers = [...gateways].flatMap((gateway) => reads.items(this.#servers.bucket(gateway)));
      return bindVirtualService(service, servers, this.#gatewayNamespace);
    });
    return entry.value;
  }
}

function byIndex(a: AcceptedServer, b: AcceptedServer): number {
  return a.index - b.index;
}

function* changesOf<K>(
  before: ReadonlyMap<K, readonly Binding[]>,
  after: ReadonlyMap<K, readonly Binding[]>,
): Generator<Change<Binding>> {
  for (const [owner, bindings] of after) {
    const known = before.get(owner);
    if (known === bindings) continue;
    for (const binding of known ?? []) yield { before: binding };
    for (const binding of bindings) yield { after: binding };
  }
  for (const [owner, bindings] of before) {
    if (!after.has(owner)) for (const binding of bindings) yield { before: binding };
  }
}
