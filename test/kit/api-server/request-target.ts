import { methodNotAllowed } from './api-status.ts';
import type { Catalogue } from './catalogue.ts';
import type { Target } from './cluster-state.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** A path below `/api` or `/apis`, taken apart but not yet looked up. */
export type ResourcePath = {
  readonly group: string;
  readonly version: string;
  readonly namespace: string | undefined;
  readonly plural: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
};

/** Takes a resource path apart; undefined for any other path. */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const steps = path.split('/').slice(1).map(decodeURIComponent);
  const [root, first = '', second = '', ...rest] = steps;
  if (root === 'api') return below('', first, [second, ...rest]);
  if (root === 'apis') return below(first, second, rest);
  return undefined;
}

function below(group: string, version: string, steps: readonly string[]): ResourcePath | undefined {
  const [first, second, third] = steps;
  if (first === undefined || first === '') return undefined;
  // `namespaces/a` and `namespaces/a/status` are about the namespace itself.
  const inside = first === 'namespaces' && third !== undefined && third !== 'status' && third !== 'finalize';
  const [plural = '', name, subresource, more] = inside ? steps.slice(2) : steps;
  if (more !== undefined) return undefined;
  return { group, version, namespace: inside ? second : undefined, plural, name, subresource };
}

/** Finds the served type of a path; throws the 404 of an unknown one. */
export function findTarget(catalogue: Catalogue, path: ResourcePath): Target {
  const type = catalogue.find(path.group, path.version, path.plural);
  return { type, version: path.version, namespace: path.namespace, name: path.name, subresource: path.subresource };
}

/** What a request does, in RBAC's words. */
export function verbOf(method: string, path: ResourcePath, query: URLSearchParams): Verb {
  const single = path.name !== undefined;
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (single) return 'get';
      return isTrue(query.get('watch')) ? 'watch' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return single ? 'delete' : 'deletecollection';
    default:
      throw methodNotAllowed();
  }
}

function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1';
}
