/**
 * A Kubernetes API server for tests: real HTTPS and the API's real rules for lists, watches, writes and refusals, over
 * objects in memory. It runs nothing: no controller fills Endpoints, no kubelet starts Pods. Tests of everything that
 * speaks to a cluster start one; `kubectl` can be its client.
 */
import { stringify } from 'yaml';
import { type IssueOptions, makeCa, type TestCa } from '../certificates.ts';
import { AuditLog } from './audit-log.ts';
import { Catalogue } from './catalogue.ts';
import { type KubernetesVersion, PROFILES } from './cluster-profile.ts';
import type { ClusterState } from './cluster-state.ts';
import { Door } from './door.ts';
import { Faults } from './faults.ts';
import { ADMIN, type TokenOptions, Tokens } from './identity.ts';
import { copyOf, type KubeObject } from './kube-object.ts';
import { defaultRoles } from './rbac.ts';
import { handleRequest, type RequestContext } from './request-handler.ts';
import { type ObjectRef, Seed } from './seed.ts';
import { SideEffects } from './side-effects.ts';
import { type Backup, Store } from './store.ts';
import type { Watcher } from './watch.ts';
import { Writes } from './writes.ts';

export type ApiServerOptions = {
  /** Which Kubernetes it plays: '1.20' has EndpointSlices as v1beta1 alone, '1.12' none, no Leases v1, no bookmarks. */
  readonly version?: KubernetesVersion;
  /** How many ports lead to this cluster, as to several API servers of one; default 1. */
  readonly doors?: number;
  /** API groups (`discovery.k8s.io`) and versions (`coordination.k8s.io/v1`) that are not served either. */
  readonly without?: readonly string[];
  /** Custom resources that exist from the start; default Istio's. */
  readonly definitions?: readonly KubeObject[];
  readonly bookmarks?: 'on' | 'off';
  readonly bookmarkIntervalMs?: number;
  /** Changes that a resource remembers for watches; default 20,000. */
  readonly history?: number;
  /** Whether users may do only what stored roles let them; off by default. */
  readonly rbac?: 'off' | 'enforced';
  /** The shortest life of a requested token; 600 in a real cluster and by default. */
  readonly minTokenSeconds?: number;
};

/** A running server. `stop` breaks what is open. */
export class ApiServer {
  readonly audit = new AuditLog();
  readonly faults: Faults;
  readonly #tokens = new Tokens();
  readonly #watchers = new Set<Watcher>();
  readonly #state: ClusterState;
  readonly #context: RequestContext;
  readonly #seed: Seed;
  #ca: TestCa;
  #doors: readonly Door[] = [];

  private constructor(options: ApiServerOptions, ca: TestCa) {
    const tokens = this.#tokens;
    const watchers = this.#watchers;
    const state = stateOf(options);
    const effects = new SideEffects({ state, watchers, tokens, caPem: ca.certificatePem });
    const writes = new Writes(state, (target, entry, removed) => effects.follow(target, entry, removed));
    this.faults = new Faults(() => this.#doors, watchers);
    this.#ca = ca;
    this.#state = state;
    this.#seed = new Seed(state, writes);
    const { rbac = 'off', minTokenSeconds = 600 } = options;
    const { audit, faults } = this;
    this.#context = { state, writes, watchers, tokens, faults, audit, rbac, minTokenSeconds };
  }

  static async start(options: ApiServerOptions = {}): Promise<ApiServer> {
    const ca = await makeCa('test cluster CA');
    const server = new ApiServer(options, ca);
    server.#populate(options.definitions ?? PROFILES[options.version ?? '1.32'].definitions());
    await server.#open(options.doors ?? 1);
    return server;
  }

  /** Where the first door is. */
  get url(): string {
    return this.urls[0] ?? '';
  }

  get urls(): readonly string[] {
    return this.#doors.map((door) => door.url);
  }

  /** The authority that clients must trust. */
  get caPem(): string {
    return this.#ca.certificatePem;
  }

  /** A kubeconfig with the user's own new token; without a user, one that may do everything. */
  kubeconfig(options: Partial<TokenOptions> & { readonly url?: string; readonly namespace?: string } = {}): string {
    const { user = ADMIN.user, url = this.url, namespace } = options;
    const groups = options.groups ?? (options.user === undefined ? ADMIN.groups : []) ?? [];
    const token = this.token({ ...options, user, groups });
    const authority = Buffer.from(this.caPem).toString('base64');
    return stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      contexts: [
        { name: 'test', context: { cluster: 'test', user, ...(namespace === undefined ? {} : { namespace }) } },
      ],
      clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority-data': authority } }],
      users: [{ name: user, user: { token } }],
    });
  }

  /** A new bearer token. */
  token(options: TokenOptions = ADMIN): string {
    return this.#tokens.issue(options);
  }

  /** Ends tokens at once: one, or all of a user. */
  expireTokens(which: { readonly token?: string; readonly user?: string }): void {
    this.#tokens.expire(which);
  }

  /** A client certificate: CN is the user, O are the groups. */
  clientCertificate(
    options: Omit<TokenOptions, 'expiresInMs'> & Pick<IssueOptions, 'notAfter'>,
  ): ReturnType<TestCa['issue']> {
    const { user, groups = [], ...rest } = options;
    return this.#ca.issue({ names: [user], organizations: groups, usage: 'client', ...rest });
  }

  /** Creates or replaces objects as they stand, status included; missing namespaces are made. */
  apply(...objects: readonly KubeObject[]): void {
    for (const object of objects) this.#seed.apply(copyOf(object));
  }

  /** Merge-patches a stored object, status included. */
  patch(ref: ObjectRef, patch: unknown): KubeObject {
    return this.#seed.patch(ref, patch);
  }

  delete(...refs: readonly ObjectRef[]): void {
    for (const ref of refs) this.#seed.delete(ref);
  }

  /** A stored object, or undefined. */
  object(ref: ObjectRef): KubeObject | undefined {
    return this.#seed.object(ref);
  }

  /** All stored objects of a resource, named as `services` or `virtualservices.networking.istio.io`. */
  objects(resource: string): KubeObject[] {
    return this.#seed.objects(resource);
  }

  /** The revision of the latest change: what a list now would carry. */
  get resourceVersion(): string {
    return String(this.#state.store.revision);
  }

  /** Forgets all history: watches and pages from before now answer 410. */
  compact(): void {
    this.#state.store.compact();
  }

  /** What etcd holds now. Definitions of kinds must be the same at its restoration. */
  backup(): Backup {
    return this.#state.store.backup();
  }

  /** Restores an older etcd and restarts the server, as operators do: connections break, revisions start anew from there. */
  restore(backup: Backup): void {
    this.#state.store.restore(backup);
    this.faults.breakConnections();
  }

  /** Restarts with certificates of a new authority: whoever trusts the old one alone is out. */
  async renewAuthority(): Promise<void> {
    this.#ca = await makeCa('test cluster CA, renewed');
    const certificate = await this.#certificate();
    for (const door of this.#doors) door.renew({ certificate, clientCaPem: this.caPem });
  }

  /**
   * Plays the first moments of a server that was killed and started again. Connections break; until the first call of what
   * this returns its accounts may do nothing, until the second custom resources are not served.
   */
  startAnew(): () => void {
    const { catalogue } = this.#state;
    const allow = this.faults.answer(403);
    catalogue.starting('begins');
    this.faults.breakConnections();
    const steps = [allow, () => catalogue.starting('ends')];
    return () => steps.shift()?.();
  }

  /** The running watches, by resource. */
  watches(): string[] {
    return [...this.#watchers].map((watcher) => watcher.resource);
  }

  /** Sends a bookmark into every watch that takes them, now. */
  bookmark(): void {
    for (const watcher of this.#watchers) watcher.bookmark();
  }

  async stop(): Promise<void> {
    await this.faults.clear();
    await Promise.all(this.#doors.map((door) => door.shut()));
  }

  #populate(definitions: readonly KubeObject[]): void {
    for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease'])
      this.#seed.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    for (const object of [...defaultRoles(), ...definitions]) this.#seed.apply(copyOf(object));
  }

  async #open(count: number): Promise<void> {
    const certificate = await this.#certificate();
    const doors = Array.from({ length: count }, (_, index) =>
      Door.open({
        certificate,
        clientCaPem: this.caPem,
        handle: (request, response) => void handleRequest(this.#context, index, request, response),
      }),
    );
    this.#doors = await Promise.all(doors);
  }

  #certificate(): ReturnType<TestCa['issue']> {
    return this.#ca.issue({ names: ['127.0.0.1', 'localhost', 'kubernetes.default.svc'] });
  }
}

function stateOf(options: ApiServerOptions): ClusterState {
  const profile = PROFILES[options.version ?? '1.32'];
  return {
    store: new Store({ history: options.history ?? 20_000 }),
    catalogue: new Catalogue(withoutOf(profile.without, options.without ?? [])),
    features: {
      ...profile.features,
      bookmarks: profile.features.bookmarks && options.bookmarks !== 'off',
      bookmarkIntervalMs: options.bookmarkIntervalMs ?? 60_000,
    },
  };
}

/** Whoever takes a version of a group away sees what the age had beside it: without v1, there is v1beta1. */
function withoutOf(age: readonly string[], given: readonly string[]): string[] {
  const groups = new Set(given.map((name) => name.split('/')[0]));
  return [...age.filter((name) => !groups.has(name.split('/')[0])), ...given];
}
