import type { ClusterState, Target } from './cluster-state.ts';
import { abolish, establish, establishedStatus } from './custom-resources.ts';
import { serviceAccountUser, type Tokens } from './identity.ts';
import { copyOf, isJsonObject, type KubeObject } from './kube-object.ts';
import type { ResourceType } from './resource-type.ts';
import type { Entry } from './table.ts';
import type { Watcher } from './watch.ts';

const ACCOUNT_TOKEN = 'kubernetes.io/service-account-token';

/** What a cluster's own controllers do when an object is written, as far as clients of the API count on it. */
export class SideEffects {
  readonly #state: ClusterState;
  readonly #watchers: ReadonlySet<Watcher>;
  readonly #tokens: Tokens;
  readonly #caPem: string;

  constructor(given: { state: ClusterState; watchers: ReadonlySet<Watcher>; tokens: Tokens; caPem: string }) {
    this.#state = given.state;
    this.#watchers = given.watchers;
    this.#tokens = given.tokens;
    this.#caPem = given.caPem;
  }

  /** Called after every stored write and removal. */
  follow({ type }: Target, entry: Entry, removed: boolean): void {
    if (type.kind === 'CustomResourceDefinition') {
      if (removed) this.#abolish(entry.object);
      else this.#establish(type, entry);
    }
    if (type.kind === 'Secret' && entry.object['type'] === ACCOUNT_TOKEN) {
      if (removed) this.#tokens.expire({ token: tokenOf(entry.object) });
      else this.#fill(type, entry);
    }
  }

  /** A version that is not served any more ends its watches. */
  #establish(type: Target['type'], entry: Entry): void {
    const established = establish(this.#state, entry.object);
    if (established === undefined) return;
    this.#endWatches(established, ({ version }) => !established.versions.includes(version));
    const status = establishedStatus(entry);
    if (status !== undefined) this.#state.store.table(type).put({ ...copyOf(entry.object), status });
  }

  #abolish(definition: KubeObject): void {
    const type = abolish(this.#state, definition);
    if (type !== undefined) this.#endWatches(type, () => true);
  }

  #endWatches({ group, plural }: ResourceType, which: (target: Target) => boolean): void {
    for (const watcher of this.#watchers) {
      const { target } = watcher;
      if (target.type.plural === plural && target.type.group === group && which(target)) watcher.end();
    }
  }

  /** A Secret that asks for it gets its service account's token, which lives as long as the Secret. */
  #fill(type: Target['type'], entry: Entry): void {
    if (tokenOf(entry.object) !== '') return;
    const { namespace = '', annotations = {} } = entry.object.metadata;
    const account = annotations['kubernetes.io/service-account.name'] ?? '';
    const token = this.#tokens.issue(serviceAccountUser(namespace, account));
    const data = { token: encode(token), 'ca.crt': encode(this.#caPem), namespace: encode(namespace) };
    this.#state.store.table(type).put({ ...copyOf(entry.object), data });
  }
}

function tokenOf(secret: KubeObject): string {
  const token = isJsonObject(secret['data']) ? secret['data']['token'] : undefined;
  return typeof token === 'string' ? Buffer.from(token, 'base64').toString() : '';
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}
