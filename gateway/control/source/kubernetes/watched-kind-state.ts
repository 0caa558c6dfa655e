import type { ServedResource } from '../../kubernetes/resource-path.ts';
import type { ResourceKey } from '../../resource/resource.ts';
import type { ObjectVersion } from '../source.ts';
import type { WatchedKind } from './watched-kinds.ts';
import type { ScopeFailure, WatchedScope } from './watched-scope.ts';

type Objects = Map<ResourceKey, ObjectVersion | undefined>;

export type ScopeFactory = (
  kind: WatchedKind,
  resource: ServedResource,
  namespace: string | undefined,
  known: Objects,
) => WatchedScope;

/** `unreadable`: served in none of the versions that are read; `unneeded`: another kind is watched in its place. */
type Presence = 'unknown' | 'served' | 'absent' | 'unreadable' | 'unneeded';

/** One kind with all the places where it is watched. Objects that no place watches now are kept in `unwatched`. */
export class WatchedKindState {
  readonly kind: WatchedKind;
  readonly scopes = new Map<string, WatchedScope>();
  /** Known, and watched nowhere: of before a restart, or because the cluster does not serve the kind any more. */
  readonly unwatched: Objects;
  readonly #create: ScopeFactory;
  #presence: Presence = 'unknown';
  #missingSince: number | undefined;

  /** `known`: by name, from before a restart. */
  constructor(kind: WatchedKind, known: Iterable<ResourceKey>, create: ScopeFactory) {
    this.kind = kind;
    this.unwatched = new Map([...known].map((key) => [key, undefined]));
    this.#create = create;
  }

  get presence(): Presence {
    return this.#presence;
  }

  /** Watches in `namespaces` (undefined: in all together), in the version that is served now. */
  watch(resource: ServedResource, namespaces: Iterable<string | undefined>): void {
    this.#presence = 'served';
    this.#missingSince = undefined;
    const wanted = new Map([...namespaces].map((namespace) => [namespace ?? '', namespace] as const));
    for (const [name, scope] of this.scopes)
      if (!wanted.has(name) || !isSamePlace(scope.resource, resource)) this.#end(name, scope);
    for (const [name, namespace] of wanted) {
      if (this.scopes.has(name)) continue;
      const scope = this.#create(this.kind, resource, namespace, this.#take(namespace));
      this.scopes.set(name, scope);
      scope.start();
    }
  }

  /** The cluster does not name it among its kinds. Gives since when that is so, as `now` of the monotonic clock. */
  miss(now: number): number {
    this.#missingSince ??= now;
    return this.#missingSince;
  }

  /** Undefined while the cluster names it. */
  get missingSince(): number | undefined {
    return this.#missingSince;
  }

  /** Ends all watches; what they held is kept. */
  end(presence: 'absent' | 'unreadable' | 'unneeded'): void {
    this.#presence = presence;
    for (const [name, scope] of this.scopes) this.#end(name, scope);
  }

  /** Everything that it is asked for was told at least once; nothing is asked of a kind that is not there. */
  get isAnswered(): boolean {
    if (this.#presence !== 'served') return this.#presence !== 'unknown';
    return this.scopes.values().every(({ isListed }) => isListed);
  }

  /** What was not told may not be read. */
  get isRefused(): boolean {
    const isSettled = ({ isListed, failure }: WatchedScope): boolean => isListed || failure?.error.status === 403;
    return this.scopes.size > 0 && this.scopes.values().every(isSettled);
  }

  /** Of all its places, what keeps them from the truth now. */
  get failures(): readonly ScopeFailure[] {
    return [...this.scopes.values()].flatMap(({ failure }) => failure ?? []);
  }

  /** Whether one of its places holds the object. */
  tells(key: ResourceKey): boolean {
    return key.startsWith(`${this.kind.kind}/`) && this.scopes.values().some((scope) => scope.objects().has(key));
  }

  get size(): number {
    return this.scopes.values().reduce((sum, scope) => sum + scope.size, this.unwatched.size);
  }

  #end(name: string, scope: WatchedScope): void {
    scope.stop();
    this.scopes.delete(name);
    for (const [key, version] of scope.objects()) this.unwatched.set(key, version);
  }

  #take(namespace: string | undefined): Objects {
    const taken: Objects = new Map();
    for (const [key, version] of this.unwatched) {
      if (namespace !== undefined && key.split('/')[1] !== namespace) continue;
      taken.set(key, version);
      this.unwatched.delete(key);
    }
    return taken;
  }
}

/** A definition that was deleted and made anew may have another version, or another scope. */
function isSamePlace(one: ServedResource, other: ServedResource): boolean {
  return one.version === other.version && one.plural === other.plural && one.namespaced === other.namespaced;
}
