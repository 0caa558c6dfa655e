// Promises: what only shows when all objects are seen together: references to nothing, conflicts, rules that never match.
// Never: changes an object, does I/O or looks at the clock; costs more than the number of objects.
// Called by: the controller after each change (scope 'whole'), validate-paths (scope 'partial').
import type { Problem } from '../../snapshot/problem.ts';
import { DestinationChecker } from './analyze/check-destinations.ts';
import { checkGateways } from './analyze/check-gateways.ts';
import { checkReach } from './analyze/check-reach.ts';
import { checkRuleOrder } from './analyze/check-rule-order.ts';
import { checkSubsets } from './analyze/check-subsets.ts';
import type { AnalyzeOptions } from './analyze/options.ts';
import { ResourceIndex } from './analyze/resource-index.ts';
import type { Resource } from './resource.ts';

/**
 * Looks at all objects together. An error here means that its object breaks what it refers to: keep its last good
 * version. In scope `whole` that is a VirtualService with an unknown subset.
 */
export function analyze(resources: Iterable<Resource>, options: AnalyzeOptions): Problem[] {
  const index = new ResourceIndex(resources);
  const problems = checkGateways(index, options);
  const destinations = new DestinationChecker(index, options);
  for (const service of index.virtualServices) {
    checkReach(service, index, options.gatewayNamespace, problems);
    // What no edge serves cannot be broken at the edge.
    if (service.spec.gateways.every((name) => name === 'mesh')) continue;
    checkRuleOrder(service, problems);
    destinations.check(service, problems);
  }
  for (const rule of index.destinationRules) problems.push(...checkSubsets(rule, index));
  return problems;
}
