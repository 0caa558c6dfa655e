import type { Problem } from '../../../snapshot/problem.ts';
import type { TrafficPolicy } from '../istio/destination-rule.ts';
import { coversLocality } from '../istio/locality-pattern.ts';
import type { DestinationRuleResource, FieldPath } from '../resource.ts';
import { problemAbout } from './finding.ts';
import type { ResourceIndex } from './resource-index.ts';

/** Settings that go by where this gateway stands, which nobody has said. */
export function checkLocality(rule: DestinationRuleResource, index: ResourceIndex): Problem[] {
  const { place } = index.options;
  const written = settingsOf(rule);
  if (place === undefined || place.isSet || written.length === 0) return [];
  if (index.node(place.node)?.spec.locality !== undefined) return [];
  return written.map((path) =>
    problemAbout(
      rule,
      path,
      {
        severity: 'warning',
        code: 'MG0308',
        message: `Where this gateway stands is not known, so this setting has no effect: there is no Node ${place.node} with the label topology.kubernetes.io/zone or /region. Label it, correct node: in gateway.yaml, or set locality: region/zone there.`,
      },
      'key',
    ),
  );
}

function settingsOf({ spec }: DestinationRuleResource): FieldPath[] {
  const policies: readonly (readonly [FieldPath, TrafficPolicy])[] = [
    [['spec', 'trafficPolicy'], spec.policy],
    ...spec.subsets.map(({ policy }, position) => [['spec', 'subsets', position, 'trafficPolicy'], policy] as const),
  ];
  return policies.flatMap(([path, policy]) =>
    goesByOwn(policy) ? [[...path, 'loadBalancer', 'localityLbSetting']] : [],
  );
}

/** A failover without outlierDetection has no effect anyway, and labels are the gateway's own. */
function goesByOwn({ locality, outlierDetection }: TrafficPolicy): boolean {
  if (locality?.enabled !== true) return false;
  const { distribute, failoverPriority } = locality;
  if (distribute.length > 0) return !distribute.some(({ from }) => coversLocality(from, ''));
  return outlierDetection === true && failoverPriority.length === 0;
}
