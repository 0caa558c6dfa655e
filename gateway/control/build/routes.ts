import type { Problem } from '../../snapshot/problem.ts';
import type { Route, RouteAction, RouteMatch, WeightedCluster } from '../../snapshot/route.ts';
import type { CatalogReader } from '../resource/catalog/catalog.ts';
import type { HttpMatch, HttpRule } from '../resource/istio/virtual-service.ts';
import type { Labels, VirtualServiceResource } from '../resource/resource.ts';
import type { BoundVirtualService } from './bindings.ts';
import type { EndpointMode } from './build-input.ts';
import { hasCatchAll, untilCatchAll } from './catch-all.ts';
import type { ClusterRequest } from './clusters.ts';
import { type DestinationContext, resolveDestination } from './destinations.ts';

/** The routes of one VirtualService as they reach one listener, with the clusters that they name. */
export type CompiledRules = {
  readonly routes: readonly Route[];
  readonly clusters: readonly ClusterRequest[];
  readonly problems: readonly Problem[];
};

/** Where a VirtualService is being compiled for. */
export type RuleScope = {
  readonly bound: BoundVirtualService;
  /** Gateway port of the listener. */
  readonly listenerPort: number;
  readonly gatewayNamespace: string;
  readonly gatewayLabels: Labels;
  readonly rootNamespace: string;
  readonly endpoints: EndpointMode;
  readonly catalog: CatalogReader;
};

/** Translates rules in order, up to the first that takes everything: Istio does not emit what follows it. */
export function compileRules(scope: RuleScope): CompiledRules {
  const { resource } = scope.bound;
  const keys = routeKeys(resource);
  const routes: Route[] = [];
  const clusters: ClusterRequest[] = [];
  const problems: Problem[] = [];
  let isReachable = true;
  for (const [position, rule] of resource.spec.http.entries()) {
    const matches: ReturnType<typeof matchesInScope> = isReachable ? matchesInScope(rule, scope) : undefined;
    if (matches === undefined) {
      // Checks look at it all the same, so whoever asks whether anything has changed for this object means that, too.
      toAction(rule, scope, { clusters: [], problems: [] });
      continue;
    }
    const action = toAction(rule, scope, { clusters, problems });
    const name = rule.name ?? 'default';
    const key = keys[position] ?? String(rule.index);
    routes.push({ key, name, virtualService: `${resource.namespace}/${resource.name}`, matches, action });
    isReachable = !hasCatchAll(matches);
  }
  return { routes, clusters, problems };
}

/** By name, so that a rule keeps its state when others move; by index if it has no name of its own. */
function routeKeys({ namespace, name, spec }: VirtualServiceResource): string[] {
  const seen = new Set<string>();
  return spec.http.map((rule) => {
    const own = rule.name !== undefined && !seen.has(rule.name) ? rule.name : String(rule.index);
    seen.add(own);
    return `${namespace}/${name}/${own}`;
  });
}

/** The blocks that count here; undefined when a rule has blocks and none of them does. */
function matchesInScope(rule: HttpRule, scope: RuleScope): readonly RouteMatch[] | undefined {
  const inScope = rule.matches.filter((match) => isInScope(match, scope.bound));
  if (inScope.length === 0 && rule.matches.length > 0) return undefined;
  return untilCatchAll(inScope.map((match) => toRouteMatch(match, scope.listenerPort)));
}

/** `match.gateways` overrides the object's list; `match.port` is the port of the Gateway's server. */
function isInScope(match: HttpMatch, { gateways, ports }: BoundVirtualService): boolean {
  const viaGateway = match.gateways === undefined || match.gateways.some((name) => gateways.includes(name));
  return viaGateway && (match.port === undefined || ports.includes(match.port));
}

/**
 * What workers need of a block. Its port has been settled above; it is kept where it is the listener's own (people see
 * what they wrote) and left out where the server's port shares another port's listener, which workers do not know.
 */
function toRouteMatch(match: HttpMatch, listenerPort: number): RouteMatch {
  const { index: _index, gateways: _gateways, port, ...conditions } = match;
  return port === listenerPort ? { ...conditions, port } : conditions;
}

function toAction(
  rule: HttpRule,
  scope: RuleScope,
  found: { readonly clusters: ClusterRequest[]; readonly problems: Problem[] },
): RouteAction {
  if (rule.action.kind !== 'forward') return rule.action;
  const { destinations, timeoutMs } = rule.action;
  const carrying = destinations.length === 1 ? destinations : destinations.filter(({ weight }) => weight > 0);
  const weighted = carrying.map((destination): WeightedCluster => {
    const { cluster, problems } = resolveDestination(destination, destinationContext(rule, scope));
    found.clusters.push(cluster);
    found.problems.push(...problems);
    // A lone destination takes everything, whatever weight is written.
    return { cluster: cluster.key, weight: carrying.length === 1 ? 1 : destination.weight };
  });
  return { kind: 'forward', destinations: weighted, ...(timeoutMs !== undefined && { timeoutMs }) };
}

function destinationContext(rule: HttpRule, { bound, listenerPort, ...scope }: RuleScope): DestinationContext {
  return { ...scope, virtualService: bound.resource, rule, gatewayPort: bound.ports[0] ?? listenerPort };
}
