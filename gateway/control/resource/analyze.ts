// Promises: what only shows when all objects are seen together: references to nothing, conflicts, rules that never match.
// Never: changes an object, does I/O or looks at the clock; costs more than the number of objects.
// Called by: the controller after each change (scope 'whole'), validate-paths (scope 'partial').
import type { Problem } from '../../snapshot/problem.ts';
import { checkDestinations } from './analyze/check-destinations.ts';
import { checkGateways } from './analyze/check-gateways.ts';
import { checkReach } from './analyze/check-reach.ts';
import { checkRuleOrder } from './analyze/check-rule-order.ts';
import { checkSubsets } from './analyze/check-subsets.ts';
import type { AnalyzeOptions } from './analyze/options.ts';
import { ResourceIndex } from './analyze/resource-index.ts';
import type { Resource, VirtualServiceResource } from './resource.ts';

/**
 * Looks at all objects together. An error here means that its object breaks what it refers to: keep its last good
 * version. In scope `whole` that is a VirtualService with an unknown subset.
 */
export function analyze(resources: Iterable<Resource>, options: AnalyzeOptions): Problem[] {
  const index = new ResourceIndex(resources);
  const problems = checkGateways(index, options);
  for (const service of index.virtualServices) problems.push(...checkVirtualService(service, index, options));
  for (const rule of index.destinationRules) problems.push(...checkSubsets(rule, index));
  return problems;
}

function checkVirtualService(
  service: VirtualServiceResource,
  index: ResourceIndex,
  options: AnalyzeOptions,
): Problem[] {
  const reach = checkReach(service, index, options.gatewayNamespace);
  // What no edge serves cannot be broken at the edge.
  if (service.spec.gateways.every((name) => name === 'mesh')) return reach;
  return [...reach, ...checkRuleOrder(service), ...checkDestinations(service, index, options)];
}
