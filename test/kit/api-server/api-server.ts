/**
 * A Kubernetes API server for tests: real HTTPS and the API's real rules for lists, watches, writes and refusals, over
 * objects in memory. It runs nothing: no controller fills Endpoints, no kubelet starts Pods. Tests of everything that
 * speaks to a cluster start one; `kubectl` can be its client.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { stringify } from 'yaml';
import { makeCa } from '../certificates.ts';
import { ApiStatus, noSuchResource } from './api-status.ts';
import { AuditLog } from './audit-log.ts';
import { readBody } from './body.ts';
import { Catalogue } from './catalogue.ts';
import type { ClusterState, Features, Target } from './cluster-state.ts';
import { abolish, establish, establishedStatus } from './custom-resources.ts';
import { discoveryDocument } from './discovery.ts';
import { Door } from './door.ts';
import { ADMIN, bearerToken, type TokenOptions, Tokens, type User, unauthorized } from './identity.ts';
import { istioDefinitions } from './istio-definitions.ts';
import { copyOf, type KubeObject } from './kube-object.ts';
import { perform } from './perform.ts';
import { findTarget, parseResourcePath, verbOf } from './request-target.ts';
import { type ObjectRef, Seed } from './seed.ts';
import { Store } from './store.ts';
import type { Entry } from './table.ts';
import type { Watcher } from './watch.ts';
import { sendFailure, sendJson } from './wire.ts';
import { Writes } from './writes.ts';

export type ApiServerOptions = {
  /** How many ports lead to this cluster, as to several API servers of one; default 1. */
  readonly doors?: number;
  /** API groups (`discovery.k8s.io`) and versions of groups (`coordination.k8s.io/v1`) that are not served. */
  readonly without?: readonly string[];
  /** Custom resources that exist from the start; default Istio's. */
  readonly definitions?: readonly KubeObject[];
  readonly bookmarks?: 'on' | 'off';
  readonly bookmarkIntervalMs?: number;
  /** Changes that a resource remembers for watches; default 20,000. */
  readonly history?: number;
};

/** What a recent cluster serves no more. */
const GONE_SINCE: readonly string[] = [
  'extensions',
  'networking.k8s.io/v1beta1',
  'coordination.k8s.io/v1beta1',
  'events.k8s.io/v1beta1',
  'apiextensions.k8s.io/v1beta1',
];

/** A running server. `stop` breaks what is open. */
export class ApiServer {
  readonly audit = new AuditLog();
  readonly #tokens = new Tokens();
  readonly #watchers = new Set<Watcher>();
  readonly #state: ClusterState;
  readonly #writes: Writes;
  readonly #seed: Seed;
  readonly #caPem: string;
  #doors: readonly Door[] = [];

  private constructor(options: ApiServerOptions, caPem: string) {
    const store = new Store({ history: options.history ?? 20_000 });
    const catalogue = new Catalogue(options.without ?? GONE_SINCE);
    this.#state = { store, catalogue, features: featuresOf(options) };
    this.#writes = new Writes(this.#state, (target, entry, removed) => this.#afterWrite(target, entry, removed));
    this.#seed = new Seed(this.#state, this.#writes);
    this.#caPem = caPem;
  }

  static async start(options: ApiServerOptions = {}): Promise<ApiServer> {
    const ca = await makeCa('test cluster CA');
    const certificate = await ca.issue({ names: ['127.0.0.1', 'localhost', 'kubernetes.default.svc'] });
    const server = new ApiServer(options, ca.certificatePem);
    server.#populate(options.definitions ?? istioDefinitions());
    const handle = (request: IncomingMessage, response: ServerResponse) => void server.#handle(request, response);
    const doors = Array.from({ length: options.doors ?? 1 }, () =>
      Door.open({ certificate, clientCaPem: ca.certificatePem, handle }),
    );
    server.#doors = await Promise.all(doors);
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
    return this.#caPem;
  }

  /** A kubeconfig with the user's own new token; without a user, one that may do everything. */
  kubeconfig(options: Partial<TokenOptions> & { readonly url?: string; readonly namespace?: string } = {}): string {
    const { user = ADMIN.user, url = this.url, namespace } = options;
    const groups = options.groups ?? (options.user === undefined ? ADMIN.groups : []) ?? [];
    const token = this.token({ ...options, user, groups });
    const authority = Buffer.from(this.#caPem).toString('base64');
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

  revoke(token: string): void {
    this.#tokens.revoke(token);
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

  /** The running watches, by `resource` or `resource.group`. */
  watches(): string[] {
    return [...this.#watchers].map(({ target: { type } }) =>
      type.group === '' ? type.plural : `${type.plural}.${type.group}`,
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.#doors.map((door) => door.shut()));
  }

  #populate(definitions: readonly KubeObject[]): void {
    for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease'])
      this.#seed.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    for (const definition of definitions) this.#seed.apply(copyOf(definition));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(request, response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else sendFailure(response, error instanceof ApiStatus ? error : internalError(error));
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://api');
    const body = await readBody(request);
    const user = this.#userOf(request);
    const document = discoveryDocument(this.#state, url.pathname, request.headers.accept ?? '');
    if (document !== undefined) {
      sendJson(response, 200, document.body, { 'Content-Type': document.mediaType });
      return;
    }
    this.#answerResource(request, response, url, body, user);
  }

  #answerResource(request: IncomingMessage, response: ServerResponse, url: URL, body: unknown, user: User): void {
    const path = parseResourcePath(url.pathname);
    if (path === undefined) throw noSuchResource();
    const query = url.searchParams;
    const verb = verbOf(request.method ?? 'GET', path, query);
    const { group, plural: resource, subresource = '', namespace = '', name = '' } = path;
    const log = (code: number) =>
      this.audit.add({ user: user.name, verb, group, resource, subresource, namespace, name, code });
    try {
      const target = findTarget(this.#state.catalogue, path);
      const performer = { state: this.#state, writes: this.#writes, watchers: this.#watchers };
      perform(performer, { verb, target, query, request, response, body });
      log(response.statusCode);
    } catch (error) {
      log(error instanceof ApiStatus ? error.status.code : 500);
      throw error;
    }
  }

  #userOf(request: IncomingMessage): User {
    const token = bearerToken(request.headers.authorization);
    const user = token === undefined ? undefined : this.#tokens.userOf(token);
    if (user === undefined) throw unauthorized();
    return user;
  }

  #afterWrite({ type }: Target, entry: Entry, removed: boolean): void {
    if (type.kind !== 'CustomResourceDefinition') return;
    if (removed) this.#abolish(entry.object);
    else this.#establish(type, entry);
  }

  #establish(type: Target['type'], entry: Entry): void {
    if (establish(this.#state, entry.object) === undefined) return;
    const status = establishedStatus(entry);
    if (status !== undefined) this.#state.store.table(type).put({ ...copyOf(entry.object), status });
  }

  #abolish(definition: KubeObject): void {
    const type = abolish(this.#state, definition);
    for (const watcher of this.#watchers)
      if (watcher.target.type.plural === type?.plural && watcher.target.type.group === type.group) watcher.end();
  }
}

function featuresOf(options: ApiServerOptions): Features {
  return {
    bookmarks: options.bookmarks !== 'off',
    bookmarkIntervalMs: options.bookmarkIntervalMs ?? 60_000,
    serverSideApply: true,
    aggregatedDiscovery: true,
    openApiV3: true,
    gitVersion: 'v1.32.0',
  };
}

function internalError(error: unknown): ApiStatus {
  return new ApiStatus(
    500,
    'InternalError',
    `Internal error occurred: ${error instanceof Error ? error.stack : String(error)}`,
  );
}
