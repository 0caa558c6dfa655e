// Promises: the first route of a virtual host that matches a request, as Istio orders them, at a cost that does not
// grow with the number of exact and prefix routes. Never falls back to another virtual host, never touches the request.
// Called by the worker: compiled once per snapshot, matched once per request.
import type { Route, RouteMatch, StringMatch, VirtualHost } from '../../snapshot/route.ts';
import type { Candidate } from './candidates.ts';
import { compileConditions } from './conditions.ts';
import type { RequestView } from './request-view.ts';
import { compileStringMatch } from './string-match.ts';
import { type FiledCandidate, UriIndex } from './uri-index.ts';

/** A route with what the caller prepared for it (weighted choice, labels, ...). */
type CompiledRoute<T> = { readonly route: Route; readonly attached: T };

/** A virtual host that is ready to match. */
export type CompiledVirtualHost<T> = {
  readonly source: VirtualHost;
  /** The one rule, where it has no conditions: `match` would give it for every request. */
  readonly sole: CompiledRoute<T> | undefined;
  /** The first route that matches, or undefined: then the answer is 404, whatever other hosts there are. */
  readonly match: (request: RequestView) => CompiledRoute<T> | undefined;
};

/**
 * Compiles a virtual host; `attach` is called once for each route. Throws an Error for a bad pattern:
 * its message names the route and the reason, the caller knows which unit it compiles.
 */
export function compileVirtualHost<T>(virtualHost: VirtualHost, attach: (route: Route) => T): CompiledVirtualHost<T> {
  const filed: FiledCandidate<CompiledRoute<T>>[] = [];
  const all = virtualHost.routes.map((route): CompiledRoute<T> => ({ route, attached: attach(route) }));
  for (const compiled of all) {
    const { route } = compiled;
    const blocks = route.matches.length === 0 ? [EVERY_REQUEST] : route.matches;
    for (const block of blocks) filed.push(file(compiled, block, filed.length));
  }
  const [first] = all;
  // Whatever comes after a rule without conditions is never reached.
  if (first?.route.matches.length === 0) return { source: virtualHost, sole: first, match: () => first };
  const index = new UriIndex(filed);
  return { source: virtualHost, sole: undefined, match: (request) => index.find(request) };
}

const EVERY_REQUEST: RouteMatch = { headers: [], withoutHeaders: [], queryParams: [] };

function file<R extends CompiledRoute<unknown>>(route: R, block: RouteMatch, order: number): FiledCandidate<R> {
  try {
    const candidate: Candidate<R> = {
      order,
      route,
      conditions: [...regexOnPath(block.uri), ...compileConditions(block)],
    };
    return { uri: block.uri, candidate };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`route ${route.route.key}: ${reason}`, { cause });
  }
}

/** A regex cannot be indexed: it becomes the first condition of its candidate. */
function regexOnPath(uri: StringMatch | undefined): Candidate<unknown>['conditions'] {
  if (uri?.kind !== 'regex') return [];
  const test = compileStringMatch(uri);
  return [(request) => test(request.path)];
}
