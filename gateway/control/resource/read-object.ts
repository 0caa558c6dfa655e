// Promises: an object of any source becomes a typed Resource, or Problems that say what, where and how to mend it; all at once.
// Never: throws, whatever the value; gives a resource that differs in meaning from what was written; looks at other objects.
// Called by: the controller for each upsert, validate-paths.
import type { Problem } from '../../snapshot/problem.ts';
import { type KindVerdict, kindVerdict } from './kinds.ts';
import { type Identity, identify, toObjectRef } from './metadata.ts';
import { reportPruned } from './pruned-fields.ts';
import { At } from './reader/at.ts';
import { ReadContext, type Strictness } from './reader/read-context.ts';
import {
  type FieldPath,
  type Labels,
  type Origin,
  POLICY_KINDS,
  type Resource,
  type ResourceKey,
  resourceKey,
} from './resource.ts';
import { bodies, type ServedKind } from './served-kinds.ts';
import { unhonoured } from './unhonoured.ts';
import type { YamlDocument } from './yaml-documents.ts';

export type ReadOptions = { readonly defaultNamespace: string; readonly strictness: Strictness };

export type ReadResult = {
  /** There whenever kind and name could be read and the kind is served. */
  readonly key?: ResourceKey;
  /**
   * Absent when something keeps the object from being served as written: the last good version of `key` should stay.
   * A Gateway with a server that is not served yet (MG0204, an error) is given all the same, without that server; and so
   * is an object that may guard hosts, whatever is wrong with it.
   */
  readonly resource?: Resource;
  readonly problems: readonly Problem[];
};

const NO_LABELS: Labels = Object.freeze({});

/** Reads one document. Objects of kinds that are not served give Problems only. */
export function readObject(document: YamlDocument, options: ReadOptions): ReadResult {
  const { value } = document;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return {
      problems: [notAnObject(document, 'This document is not an object: it needs apiVersion, kind and metadata.')],
    };
  const identity = identify(value, options.defaultNamespace);
  const { apiVersion, kind } = identity;
  if (apiVersion === undefined || kind === undefined) {
    const missing = [apiVersion === undefined && 'apiVersion', kind === undefined && 'kind'].filter(Boolean);
    return {
      problems: [
        notAnObject(document, `This object has no ${missing.join(' and no ')}: write both, as strings, at its top.`),
      ],
    };
  }
  const verdict = kindVerdict(apiVersion, kind);
  if (verdict.verdict !== 'served') return { problems: [notServed(document, identity, verdict)] };
  return readServed(document, identity, verdict.kind, options);
}

function readServed(document: YamlDocument, identity: Identity, kind: ServedKind, options: ReadOptions): ReadResult {
  const context = new ReadContext({
    document,
    strictness: options.strictness,
    object: { ...toObjectRef(identity), kind },
    apiVersion: identity.apiVersion ?? '',
    unhonoured: unhonoured[kind] ?? new Map(),
  });
  const read = bodies[kind];
  const body = read(new At(document.value, context));
  if (identity.name === undefined) {
    context.report(['metadata', 'name'], { message: 'metadata.name is missing: give the object a name.' }, 'key');
    return { problems: context.problems };
  }
  if (options.strictness === 'cluster' && kind !== 'Secret') reportPruned(document.value as object, context, read);
  const key = resourceKey({ kind, namespace: identity.namespace, name: identity.name });
  if (body === undefined || !(context.problems.every(isBearable) || guards.has(kind)))
    return { key, problems: context.problems };
  const { labels = NO_LABELS, annotations = NO_LABELS, creationTimestamp } = body.metadata;
  const resource = {
    kind,
    apiVersion: identity.apiVersion ?? '',
    namespace: identity.namespace,
    name: identity.name,
    labels,
    annotations,
    ...(creationTimestamp !== undefined && { creationTimestamp }),
    spec: body.spec,
    origin: new DocumentOrigin(document),
  };
  // `bodies[kind]` gave the spec of this very kind.
  return { key, resource: resource as Resource, problems: context.problems };
}

/** A typo in an object that closes something must not open it: such objects are kept, read as the stricter. */
const guards: ReadonlySet<string> = new Set(POLICY_KINDS);

/** A server that is not served yet leaves its Gateway usable. */
function isBearable({ severity, code }: Problem): boolean {
  return severity !== 'error' || code === 'MG0204';
}

class DocumentOrigin implements Origin {
  readonly #document: YamlDocument;
  /** Checks over all objects ask for the same few places again after every change. */
  #known: Map<string, Origin['position']> | undefined;

  constructor(document: YamlDocument) {
    this.#document = document;
  }

  get file(): string {
    return this.#document.file;
  }

  get document(): number {
    return this.#document.index;
  }

  get position(): Origin['position'] {
    return this.#document.position;
  }

  positionOf(path: FieldPath, part: 'key' | 'value' = 'key'): Origin['position'] {
    this.#known ??= new Map();
    const place = `${part} ${JSON.stringify(path)}`;
    const position = this.#known.get(place) ?? this.#document.positionOf(path, part);
    this.#known.set(place, position);
    return position;
  }
}

function notAnObject(document: YamlDocument, message: string): Problem {
  return { severity: 'error', code: 'MG0005', message, position: document.position };
}

function notServed(
  document: YamlDocument,
  identity: Identity,
  verdict: Exclude<KindVerdict, { verdict: 'served' }>,
): Problem {
  const base = { object: toObjectRef(identity), field: 'kind', position: document.positionOf(['kind']) };
  const what = `${identity.kind} (${identity.apiVersion})`;
  switch (verdict.verdict) {
    case 'inert':
      return {
        severity: 'info',
        code: 'MG0101',
        message: `${what} is not needed at an edge: it is loaded and ignored.`,
        ...base,
      };
    case 'unserved':
      return {
        severity: 'error',
        code: 'MG0102',
        message: `${what} is not served yet, and would change routing or security: nothing of it takes effect. Remove it here, or express it with Gateway, VirtualService and DestinationRule of networking.istio.io.`,
        ...base,
      };
    default:
      return {
        severity: verdict.severity,
        code: 'MG0103',
        message: `${what} is not a kind that is known here: it is ignored.${verdict.hint || ' Correct apiVersion and kind, or remove it.'}`,
        ...base,
      };
  }
}
