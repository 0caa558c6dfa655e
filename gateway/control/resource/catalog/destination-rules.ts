import { isDeepStrictEqual } from 'node:util';
import type { Problem } from '../../../snapshot/problem.ts';
import { formatPath } from '../field-path.ts';
import { CLUSTER_DOMAIN } from '../host-names.ts';
import type { Subset, TrafficPolicy } from '../istio/destination-rule.ts';
import type { DestinationRuleResource, Labels } from '../resource.ts';
import { isExportedTo } from '../visibility.ts';
import type { CatalogReader } from './catalog.ts';
import { carries } from './select.ts';
import { wildcardsOver } from './services.ts';

/** All DestinationRules that count for one host, as one. */
export type MergedRule = {
  /** What it is made of, the oldest first. */
  readonly rules: readonly DestinationRuleResource[];
  readonly policy: TrafficPolicy;
  readonly subsets: ReadonlyMap<string, MergedSubset>;
  readonly problems: readonly Problem[];
};

/** Where rules for a host are looked up. */
type RuleNamespaces = {
  readonly gateway: string;
  /** Those of the gateway itself; absent where they are not known: then rules for any workloads count. */
  readonly labels: Labels | undefined;
  readonly service: string;
  readonly root: string;
};

/** Labels to select endpoints by, with the policy that is left after falling back to the rule's. */
type MergedSubset = { readonly labels: Labels; readonly policy: TrafficPolicy };

/**
 * The rule for a host, as Istio looks it up for a gateway: in the gateway's namespace, then in the service's, then in
 * the root namespace; a gateway that lives in the root namespace asks the service's first. The first namespace with a
 * rule decides alone, and inside it the most specific host.
 */
export function findDestinationRule(
  host: string,
  namespaces: RuleNamespaces,
  catalog: CatalogReader,
): MergedRule | undefined {
  const service = catalog.service(host);
  if (service === undefined) return lookUp(host, namespaces, catalog);
  const name = `rule for ${namespaces.gateway}, ${namespaces.service} and ${namespaces.root}`;
  return catalog.shared(service, name, (inner) => lookUp(host, namespaces, inner));
}

function lookUp(host: string, namespaces: RuleNamespaces, catalog: CatalogReader): MergedRule | undefined {
  const patterns = [...spellings(host), ...wildcardsOver(host), '*'];
  const rules = patterns.map((pattern) => usable(catalog.destinationRules(pattern), namespaces));
  if (rules.every((some) => some.length === 0)) return undefined;
  const own = namespaces.gateway === namespaces.root ? [] : [namespaces.gateway];
  for (const namespace of [...own, namespaces.service, namespaces.root]) {
    for (const some of rules) {
      const found = some.filter((rule) => rule.namespace === namespace);
      if (found.length > 0) return merge(narrowest(found));
    }
  }
  return undefined;
}

function usable(
  rules: readonly DestinationRuleResource[],
  { gateway, labels }: RuleNamespaces,
): readonly DestinationRuleResource[] {
  return rules.filter((rule) => isExportedTo(rule.spec.exportTo, gateway) && isForGateway(rule, gateway, labels));
}

/** True unless a rule is for other workloads than the gateway. */
export function isForGateway(
  { namespace, spec }: DestinationRuleResource,
  gateway: string,
  labels: Labels | undefined,
): boolean {
  const { workloadSelector: selector } = spec;
  if (selector === undefined) return true;
  return namespace === gateway && (labels === undefined || carries(labels, selector));
}

/** One that is for this very workload counts before those that are for all; only those for the same are joined. */
function narrowest(rules: readonly DestinationRuleResource[]): readonly DestinationRuleResource[] {
  const own = rules.find(({ spec }) => spec.workloadSelector !== undefined)?.spec.workloadSelector;
  return rules.filter(({ spec }) => isDeepStrictEqual(spec.workloadSelector, own));
}

/** A rule may name a Service by `name.ns` or `name.ns.svc`, as a destination may. */
function spellings(host: string): string[] {
  if (!host.endsWith(`.${CLUSTER_DOMAIN}`)) return [host];
  const name = host.slice(0, -CLUSTER_DOMAIN.length - 1);
  return [host, name, `${name}.svc`];
}

/** Istio's mergeDestinationRule: subsets are joined, the first of a name is kept; the first policy at the top wins. */
function merge(rules: readonly DestinationRuleResource[]): MergedRule {
  const policy = rules.map((rule) => rule.spec.policy).find((one) => Object.keys(one).length > 0) ?? {};
  const subsets = new Map<string, MergedSubset>();
  const problems: Problem[] = [];
  for (const rule of rules) {
    for (const [index, subset] of rule.spec.subsets.entries()) {
      if (subsets.has(subset.name)) problems.push(duplicateSubset(rule, subset, index));
      else subsets.set(subset.name, { labels: subset.labels, policy: { ...policy, ...subset.policy } });
    }
  }
  return { rules, policy, subsets, problems };
}

function duplicateSubset(rule: DestinationRuleResource, subset: Subset, index: number): Problem {
  const { kind, namespace, name, origin } = rule;
  const path = ['spec', 'subsets', index, 'name'];
  return {
    severity: 'error',
    code: 'MG1104',
    message: `The subset ${subset.name} of ${rule.spec.host} is defined twice (several DestinationRules for one host are joined); the first definition counts. Rename or remove this one.`,
    object: { kind, namespace, name },
    field: formatPath(path),
    position: origin.positionOf(path, 'value'),
  };
}
