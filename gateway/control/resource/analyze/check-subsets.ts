import type { Problem } from '../../../snapshot/problem.ts';
import { isForGateway } from '../catalog/destination-rules.ts';
import type { Backend } from '../catalog/services.ts';
import type { DestinationRuleResource, Labels } from '../resource.ts';
import { exportOf } from '../visibility.ts';
import { problemAbout } from './finding.ts';
import type { ResourceIndex } from './resource-index.ts';

/** Subsets whose labels no workload of the service carries, where the service has workloads at all. */
export function checkSubsets(rule: DestinationRuleResource, index: ResourceIndex): Problem[] {
  if (rule.spec.subsets.length === 0) return [];
  const backend = index.backend(rule.spec.host);
  const has = backend === undefined ? undefined : workloadsOf(backend, index);
  if (has === undefined || !has({})) return [];
  return rule.spec.subsets.flatMap(({ name, labels }, position) => {
    if (has(labels)) return [];
    const list = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    return [
      problemAbout(
        rule,
        ['spec', 'subsets', position, 'labels'],
        {
          severity: 'warning',
          code: 'IST0173',
          message: `Subset "${name}" selects no workload: none of ${rule.spec.host} has the labels ${list.join(', ')}. Its requests get 503. Correct the labels, or label the workloads.`,
        },
        'key',
      ),
    ];
  });
}

/** A rule for a host that nobody answers for has no effect; a wildcard may be for what is to come. */
export function checkRuleHost(rule: DestinationRuleResource, index: ResourceIndex): Problem[] {
  const { host } = rule.spec;
  if (host.startsWith('*') || index.backend(host) !== undefined) return [];
  const { scope, gatewayNamespace } = index.options;
  const hidden = index.anyBackend(host)?.resource;
  const message =
    hidden === undefined
      ? `No Service or ServiceEntry ${scope === 'partial' ? 'here ' : ''}answers for ${host}, so this rule has no effect. Create it, or correct the host.${index.suggestHost(host)}`
      : `${hidden.kind} ${hidden.namespace}/${hidden.name}, which answers for ${host}, is exported to ${exportOf(hidden).join(', ')} and not to the gateway's namespace ${gatewayNamespace}: this rule has no effect here.`;
  // The Services of a part of a configuration are usually elsewhere; and what is hidden is meant for others.
  const severity = scope === 'partial' || hidden !== undefined ? 'info' : 'warning';
  return [problemAbout(rule, ['spec', 'host'], { severity, code: 'IST0174', message })];
}

/** A rule for the callers inside a mesh, or some of them, is none of the gateway's. */
export function checkRuleWorkloads(rule: DestinationRuleResource, { options }: ResourceIndex): Problem[] {
  const { gatewayNamespace, gatewayLabels } = options;
  if (isForGateway(rule, gatewayNamespace, gatewayLabels)) return [];
  const message = `It selects workloads of namespace ${rule.namespace} that this gateway, in namespace ${gatewayNamespace}, is none of: it has no effect here. To let it hold here, too, remove workloadSelector, or write a rule without it.`;
  return [problemAbout(rule, ['spec', 'workloadSelector'], { severity: 'info', code: 'MG0404', message }, 'key')];
}

/** Answers whether some workload of the backend carries labels; undefined when its workloads cannot be told. */
function workloadsOf({ kind, resource }: Backend, index: ResourceIndex): ((labels: Labels) => boolean) | undefined {
  const selector = kind === 'service' ? resource.spec.selector : resource.spec.workloadSelector;
  if (selector !== undefined) return (labels) => index.hasWorkload(resource.namespace, selector, labels);
  if (kind === 'service') return undefined;
  const { endpoints } = resource.spec;
  return (labels) =>
    endpoints.some((endpoint) => Object.entries(labels).every(([key, value]) => endpoint.labels[key] === value));
}
