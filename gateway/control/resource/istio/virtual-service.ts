import type { RouteAction, RouteMatch } from '../../../snapshot/route.ts';

export type VirtualServiceSpec = {
  /** Lower case: exact, `*.suffix` or `*`. */
  readonly hosts: readonly string[];
  /** Resolved: `namespace/name`, or `mesh`. `['mesh']` when none is written: the object does not reach the edge. */
  readonly gateways: readonly string[];
  /** Namespaces that may use it: names, or `*`; `.` is already resolved. Never empty. */
  readonly exportTo: readonly string[];
  /** In the order written. Rules that can never match at an edge (only mesh selectors) are left out; `index` tells. */
  readonly http: readonly HttpRule[];
};

/** One entry of `spec.http`. */
export type HttpRule = {
  /** Index in `spec.http`. */
  readonly index: number;
  readonly name?: string;
  /** Blocks joined by OR; empty means that every request matches. */
  readonly matches: readonly HttpMatch[];
  readonly action: HttpAction;
};

/** A match block; with `gateways` (resolved as above) it counts only for requests through those Gateways. */
export type HttpMatch = RouteMatch & {
  /** Index in `match`. */
  readonly index: number;
  readonly gateways?: readonly string[];
};

export type HttpAction =
  | { readonly kind: 'forward'; readonly destinations: readonly RuleDestination[]; readonly timeoutMs?: number }
  | Extract<RouteAction, { kind: 'redirect' }>
  | Extract<RouteAction, { kind: 'direct-response' }>;

/** One entry of `route`. Weights are as written (0 when left out; a lone destination takes everything, see build). */
export type RuleDestination = {
  /** Index in `route`. */
  readonly index: number;
  /** Fully qualified, lower case. */
  readonly host: string;
  /** As the user wrote it: what people type in a traffic shift. */
  readonly writtenHost: string;
  readonly subset?: string;
  readonly port?: number;
  readonly weight: number;
};
