import type { Problem } from '../../snapshot/problem.ts';
import type { VirtualHost } from '../../snapshot/route.ts';
import type { Binding, BoundVirtualService } from './bindings.ts';
import { catchAllLast } from './catch-all.ts';
import type { ClusterRequest } from './clusters.ts';
import { type Denial, denialsOf } from './denials.ts';
import type { CompiledRules } from './routes.ts';

/** A virtual host with the clusters that its routes name. */
export type VirtualHostPlan = {
  readonly virtualHost: VirtualHost;
  readonly clusters: readonly ClusterRequest[];
  readonly problems: readonly Problem[];
};

/**
 * Joins all bindings (at least one) of one name, in order. One redirecting server redirects the whole name (Istio's
 * RequireTls ALL); else the rules of several VirtualServices are concatenated, those that take everything last. A name
 * that something closes has nothing else: no redirect and no route may tell what is behind it.
 */
export function buildVirtualHost(
  key: string,
  bindings: readonly Binding[],
  denials: readonly Denial[],
  compile: (bound: BoundVirtualService, listenerPort: number) => CompiledRules,
): VirtualHostPlan {
  const { listener, domain } = bindings[0] as Binding;
  const compiled = bindings.flatMap((binding) =>
    binding.virtualService === undefined ? [] : [compile(binding.virtualService, binding.listenerPort)],
  );
  const routes = compiled.flatMap((one) => one.routes);
  const problems = compiled.flatMap((one) => one.problems);
  const policies = denialsOf(domain, denials);
  if (policies.length > 0) {
    return { virtualHost: { key, listener, domain, denied: { policies }, routes: [] }, clusters: [], problems };
  }
  const httpsRedirect = bindings.find(({ redirect }) => redirect !== undefined)?.redirect;
  if (httpsRedirect !== undefined) {
    return { virtualHost: { key, listener, domain, httpsRedirect, routes: [] }, clusters: [], problems };
  }
  return {
    virtualHost: { key, listener, domain, routes: compiled.length > 1 ? catchAllLast(routes) : routes },
    clusters: compiled.flatMap((one) => one.clusters),
    problems,
  };
}
