/** A column of a kind's table, as a CustomResourceDefinition declares it. */
export type PrinterColumn = {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
};

/** What one served version of a kind adds: schema and columns (custom resources only). */
export type VersionRules = {
  readonly schema?: unknown;
  readonly columns?: readonly PrinterColumn[];
  readonly hasStatus: boolean;
};

/** A kind that the server stores: its names, its served versions (preferred first) and how its writes behave. */
export type ResourceType = {
  readonly group: string;
  readonly versions: readonly string[];
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly custom: boolean;
  /** Has `/status`, which alone may write `.status`. */
  readonly hasStatus: boolean;
  /** Whether a change of the spec counts in `metadata.generation`. */
  readonly countsGenerations: boolean;
  /** Further subresources to announce, such as `token` or `finalize`. */
  readonly subresources: readonly string[];
  /** Whether PUT may leave out `metadata.resourceVersion`. */
  readonly allowsUnconditionalUpdate: boolean;
  /** What may be done with it; a question (`SubjectAccessReview`) is only created. */
  readonly verbs: readonly string[];
  readonly rules: ReadonlyMap<string, VersionRules>;
};

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

type Defaults = Pick<ResourceType, 'group' | 'kind' | 'plural'> &
  Partial<ResourceType> & { versions: readonly string[] };

/** A resource type from what is particular about it. */
export function resourceType(given: Defaults): ResourceType {
  return {
    singular: given.kind.toLowerCase(),
    listKind: `${given.kind}List`,
    shortNames: [],
    categories: [],
    namespaced: true,
    custom: false,
    hasStatus: false,
    countsGenerations: false,
    subresources: [],
    allowsUnconditionalUpdate: true,
    verbs: VERBS,
    rules: new Map(),
    ...given,
  };
}

/** A kind that is asked, not stored. */
export function questionType(given: Defaults): ResourceType {
  return resourceType({ ...given, verbs: ['create'] });
}

/** The name under which a type's objects are stored; all versions share it. */
export function storageName(type: Pick<ResourceType, 'group' | 'plural'>): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`;
}

/** `v1`, or `networking.istio.io/v1alpha3`. */
export function apiVersionOf(type: Pick<ResourceType, 'group'>, version: string): string {
  return type.group === '' ? version : `${type.group}/${version}`;
}
