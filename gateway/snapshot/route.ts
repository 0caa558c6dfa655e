/** The routes of one host name on one listener. `key` is `listenerKey|domain`. */
export type VirtualHost = {
  readonly key: string;
  /** Key of the listener that serves it. */
  readonly listener: string;
  /** Lower case: exact name, `*.suffix` (any number of labels before the suffix) or `*`. */
  readonly domain: string;
  /** Set when every request is redirected to HTTPS (`tls.httpsRedirect`); the routes are then unused. */
  readonly httpsRedirect?: HttpsRedirect;
  /** Set when every request is refused with 403; there are then no routes and no redirect. */
  readonly denied?: Denied;
  /** In the order in which they are tried; the first match wins. */
  readonly routes: readonly Route[];
};

/** Why a host is closed: objects that this gateway cannot enforce and that may guard it, as `Kind/namespace/name`. */
export type Denied = { readonly policies: readonly string[] };

/** Where `httpsRedirect` sends people: for each node port of the plain listener, the node port of its HTTPS pair. */
export type HttpsRedirect = {
  /** Node port of arrival (decimal string) -> public HTTPS port. 443 is left out of the URL. */
  readonly ports: Readonly<Record<string, number>>;
};

/** One `http[]` rule of a VirtualService, bound to a host. */
export type Route = {
  /** `namespace/virtualservice/rule`, rule being its `name` or index; state (weights) is kept under it. */
  readonly key: string;
  /** For the access log's ROUTE_NAME: the rule's `name`, or `default`. */
  readonly name: string;
  /** `namespace/name` of the VirtualService. */
  readonly virtualService: string;
  /** Blocks joined by OR; empty means that every request matches. */
  readonly matches: readonly RouteMatch[];
  readonly action: RouteAction;
};

/** Conditions joined by AND (Istio `HTTPMatchRequest`). */
export type RouteMatch = {
  readonly uri?: StringMatch;
  readonly scheme?: StringMatch;
  readonly method?: StringMatch;
  /** Compared with the lower-cased host, port removed. */
  readonly authority?: StringMatch;
  /** Lower-case header names. */
  readonly headers: readonly NamedMatch[];
  readonly withoutHeaders: readonly NamedMatch[];
  readonly queryParams: readonly NamedMatch[];
  /** Gateway server port. */
  readonly port?: number;
};

/** A string condition; `regex` is RE2 and matches the whole value; `present` is Istio's empty StringMatch. */
export type StringMatch = {
  readonly kind: 'exact' | 'prefix' | 'regex' | 'present';
  /** Empty for `present`. Already lower-cased when `ignoreCase`. */
  readonly value: string;
  readonly ignoreCase?: true;
};

/** A condition on a named header or query parameter. */
export type NamedMatch = { readonly name: string; readonly match: StringMatch };

/** What happens to a matched request. */
export type RouteAction =
  | { readonly kind: 'forward'; readonly destinations: readonly WeightedCluster[]; readonly timeoutMs?: number }
  | {
      readonly kind: 'redirect';
      readonly status: 301 | 302 | 303 | 307 | 308;
      readonly scheme?: string;
      readonly authority?: string;
      readonly port?: number | 'from-protocol' | 'from-request';
      readonly path?: { readonly kind: 'replace' | 'prefix'; readonly value: string };
    }
  | { readonly kind: 'direct-response'; readonly status: number; readonly body: string };

/** A share of the traffic. Weights are relative to their sum; a weight of 0 is never chosen. */
export type WeightedCluster = {
  /** Key into `Snapshot.clusters`. */
  readonly cluster: string;
  readonly weight: number;
};
