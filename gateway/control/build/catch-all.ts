import type { Route, RouteMatch } from '../../snapshot/route.ts';

/** True when a block matches every request: any path, and no condition besides. */
function isCatchAll(match: RouteMatch): boolean {
  const { uri, scheme, method, authority, headers, withoutHeaders, queryParams } = match;
  const others = headers.length + withoutHeaders.length + queryParams.length;
  return (
    matchesEveryPath(uri) && scheme === undefined && method === undefined && authority === undefined && others === 0
  );
}

/** Blocks up to the first that matches everything: Istio does not emit what follows it. */
export function untilCatchAll(matches: readonly RouteMatch[]): readonly RouteMatch[] {
  const last = matches.findIndex(isCatchAll);
  return last === -1 ? matches : matches.slice(0, last + 1);
}

/** True when nothing after this route can be reached. */
export function hasCatchAll(matches: readonly RouteMatch[]): boolean {
  return matches.length === 0 || matches.some(isCatchAll);
}

/**
 * Istio's order of the routes of one host: blocks that match everything go to the end (SortVHostRoutes), so that the
 * `/` of one VirtualService does not hide the paths of another. Istio counts each block as a route; here a rule is
 * taken apart only if one of its blocks moves, and both parts keep its key, hence its weights' state.
 */
export function catchAllLast(routes: readonly Route[]): Route[] {
  const specific = routes.flatMap((route) => {
    const matches = route.matches.filter((match) => !isCatchAll(match));
    if (matches.length === 0) return [];
    return matches.length === route.matches.length ? [route] : [{ ...route, matches }];
  });
  const general = routes.flatMap((route) => {
    if (route.matches.length === 0) return [route];
    const matches = route.matches.filter(isCatchAll);
    if (matches.length === 0) return [];
    return matches.length === route.matches.length ? [route] : [{ ...route, matches }];
  });
  return [...specific, ...general];
}

/** Istio's prefix `/` and regex `.*` (or its `*`); no URI at all and an empty StringMatch are the same. */
function matchesEveryPath(uri: RouteMatch['uri']): boolean {
  if (uri === undefined || uri.kind === 'present') return true;
  if (uri.kind === 'prefix') return uri.value === '/' || uri.value === '';
  return uri.kind === 'regex' && (uri.value === '.*' || uri.value === '*');
}
