// Promises: what only shows when all objects are seen together: references to nothing, conflicts, rules that never match.
// Never: changes an object, does I/O or looks at the clock; costs more than what has changed.
// Called by: the evaluator after each change (`Analysis`, scope 'whole'), validate-paths (`analyze`, scope 'partial').
import type { Problem } from '../../snapshot/problem.ts';
import { Analysis } from './analyze/analysis.ts';
import type { AnalyzeOptions } from './analyze/options.ts';
import { Catalog } from './catalog/catalog.ts';
import type { UnreadPolicy } from './policies/unread.ts';
import { type Resource, type ResourceKey, type ResourceKind, resourceKey } from './resource.ts';

export { Analysis } from './analyze/analysis.ts';

/** What is found is told in this order, then in the order of the objects. */
const ORDER: readonly ResourceKind[] = ['Gateway', 'VirtualService', 'DestinationRule'];

/**
 * Looks at all objects together, once. An error here means that its object breaks what it refers to: keep its last good
 * version. In scope `whole` that is a VirtualService with an unknown subset.
 */
export function analyze(
  resources: Iterable<Resource>,
  options: AnalyzeOptions,
  unread: readonly UnreadPolicy[] = [],
): Problem[] {
  const catalog = new Catalog();
  catalog.updateUnread(unread);
  const analysis = new Analysis(catalog, options);
  analysis.update(catalog.update(byKey(resources)), options.now);
  return [...analysis.findings()];
}

/** An object that is defined twice is looked at twice; for others, the first one counts, as for the folder source. */
function byKey(resources: Iterable<Resource>): [ResourceKey, Resource][] {
  const known = new Map<ResourceKey, Resource>();
  for (const resource of resources) {
    const key = resourceKey(resource);
    known.set(known.has(key) ? `${key}#${known.size}` : key, resource);
  }
  return [...known].sort(([, a], [, b]) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}
