import { noSuchResource } from './api-status.ts';
import { BUILT_IN_TYPES } from './built-in-types.ts';
import { apiVersionOf, type ResourceType, storageName } from './resource-type.ts';

/** The kinds that are served at this moment. */
export class Catalogue {
  readonly #types = new Map<string, ResourceType>();
  readonly #without: ReadonlySet<string>;
  #revision = 0;
  #isStarting = false;

  /** `without` names groups (`discovery.k8s.io`) and versions of groups (`coordination.k8s.io/v1`) that are not served. */
  constructor(without: readonly string[]) {
    this.#without = new Set(without);
    for (const type of BUILT_IN_TYPES) this.add(type);
  }

  add(type: ResourceType): void {
    if (type.group !== '' && this.#without.has(type.group)) return;
    const versions = type.versions.filter((version) => !this.#without.has(apiVersionOf(type, version)));
    if (versions.length === 0) return;
    this.#types.set(storageName(type), { ...type, versions });
    this.#revision += 1;
  }

  remove(type: ResourceType): void {
    this.#types.delete(storageName(type));
    this.#revision += 1;
  }

  /** Grows with every change of what is served. */
  get revision(): number {
    return this.#revision;
  }

  types(): ResourceType[] {
    return [...this.#types.values()].filter((type) => this.#isServed(type));
  }

  /** A server that has just started does not know yet what is defined in it. */
  starting(state: 'begins' | 'ends'): void {
    this.#isStarting = state === 'begins';
    this.#revision += 1;
  }

  /** The type served under this path, or a refusal as for any unknown path. */
  find(group: string, version: string, plural: string): ResourceType {
    const type = this.#types.get(storageName({ group, plural }));
    if (type?.versions.includes(version) !== true || !this.#isServed(type)) throw noSuchResource(group);
    return type;
  }

  named(group: string, plural: string): ResourceType | undefined {
    return this.#types.get(storageName({ group, plural }));
  }

  /** The type of an object's apiVersion and kind. */
  ofKind(apiVersion: string, kind: string): { type: ResourceType; version: string } | undefined {
    const slash = apiVersion.indexOf('/');
    const group = slash === -1 ? '' : apiVersion.slice(0, slash);
    const version = apiVersion.slice(slash + 1);
    const type = this.types().find(
      (candidate) => candidate.kind === kind && candidate.group === group && candidate.versions.includes(version),
    );
    return type && { type, version };
  }

  /** Group -> versions, the preferred one first, in the order they were added. */
  groups(): Map<string, string[]> {
    const groups = new Map<string, Set<string>>();
    for (const type of this.types()) {
      let versions = groups.get(type.group);
      if (versions === undefined) groups.set(type.group, (versions = new Set()));
      for (const version of type.versions) versions.add(version);
    }
    return new Map([...groups].map(([group, versions]) => [group, [...versions].sort(byVersionPriority)]));
  }

  #isServed({ custom }: ResourceType): boolean {
    return !(custom && this.#isStarting);
  }
}

/** GA before beta before alpha, and the higher number first: Kubernetes' own order of versions. */
export function byVersionPriority(a: string, b: string): number {
  return rank(b) - rank(a) || (a < b ? -1 : 1);
}

function rank(version: string): number {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (!match) return 0;
  const stage = match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1;
  return stage * 1_000_000 + Number(match[1]) * 1_000 + Number(match[3] ?? 0);
}
