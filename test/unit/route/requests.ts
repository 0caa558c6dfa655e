import type { RequestView } from '#gateway/proxy/route/request-view.ts';
import type { Route, RouteMatch, VirtualHost } from '#gateway/snapshot/route.ts';

/** A request as the matcher sees it; what a test does not name is a plain GET /. */
export function aRequest(parts: Partial<RequestView> & { headers?: Record<string, string> } = {}): RequestView {
  const { headers = {}, ...rest } = parts;
  return {
    method: 'GET',
    path: '/',
    query: '',
    host: 'app.example',
    scheme: 'http',
    port: 80,
    header: (name) => headers[name],
    ...rest,
  };
}

/** A match block with only the conditions named. */
export function aMatch(parts: Partial<RouteMatch> = {}): RouteMatch {
  return { headers: [], withoutHeaders: [], queryParams: [], ...parts };
}

/** A route that answers directly; its key is its name. */
export function aRoute(name: string, ...matches: readonly RouteMatch[]): Route {
  const action = { kind: 'direct-response', status: 200, body: name } as const;
  return { key: name, name, virtualService: 'default/test', matches, action };
}

/** A virtual host of these routes, in this order. */
export function aVirtualHost(...routes: readonly Route[]): VirtualHost {
  return { key: 'http.31380|app.example', listener: 'http.31380', domain: 'app.example', routes };
}
