import type { BalancerPolicy } from '../../../snapshot/cluster.ts';
import { defined } from '../defined.ts';
import { resolveHost } from '../host-names.ts';
import type { At } from '../reader/at.ts';
import { labels, listOf } from '../reader/collections.ts';
import { type Reader, refine, required } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { oneOf, positiveDurationMs } from '../reader/scalars.ts';
import type { DestinationRuleSpec, Subset, TrafficPolicy } from './destination-rule.ts';
import { exportTo, orEverybody, serviceHostName } from './host-values.ts';
import { subsetName } from './read-destinations.ts';
import { checkUpstreamTls } from './upstream-tls.ts';

const simple: Reader<BalancerPolicy | 'default'> = refine(
  oneOf({
    UNSPECIFIED: 'default',
    RANDOM: 'RANDOM',
    PASSTHROUGH: 'passthrough',
    ROUND_ROBIN: 'ROUND_ROBIN',
    LEAST_REQUEST: 'LEAST_REQUEST',
    LEAST_CONN: 'LEAST_REQUEST',
  } as const),
  (policy, at) => {
    if (policy !== 'passthrough') return policy;
    at.report({
      severity: 'warning',
      code: 'MG0205',
      message: 'PASSTHROUGH needs the address that a sidecar intercepts; at the edge it is read as LEAST_REQUEST.',
    });
    return 'LEAST_REQUEST';
  },
);

const trafficPolicy: Reader<TrafficPolicy> = refine(
  record({
    loadBalancer: record({ simple }),
    connectionPool: record({ tcp: record({ connectTimeout: positiveDurationMs }) }),
  }),
  (value) => {
    const balancer = value.loadBalancer?.simple;
    return defined({
      balancer: balancer === 'default' ? undefined : balancer,
      connectTimeoutMs: value.connectionPool?.tcp?.connectTimeout,
    });
  },
);

const subset: Reader<Subset> = refine(
  record({ name: required(subsetName, 'name the subset, as name: v1'), labels, trafficPolicy }),
  (value) =>
    value.name === undefined
      ? undefined
      : { name: value.name, labels: value.labels ?? {}, policy: value.trafficPolicy ?? {} },
);

const fields = record({
  host: required(serviceHostName({ wildcard: true }), "write the service's name"),
  subsets: listOf(subset),
  trafficPolicy,
  exportTo,
});

/** `spec` of a DestinationRule. */
export const readDestinationRule: Reader<DestinationRuleSpec> = refine(fields, (spec, at) => {
  if (spec.host === undefined) return undefined;
  checkSubsets(spec.subsets ?? [], at);
  checkUpstreamTls(at);
  return {
    host: resolveHost(spec.host, at.context.object.namespace),
    policy: spec.trafficPolicy ?? {},
    subsets: spec.subsets ?? [],
    exportTo: orEverybody(spec.exportTo),
  };
});

function checkSubsets(subsets: readonly Subset[], at: At): void {
  const seen = new Set<string>();
  for (const [index, { name }] of subsets.entries()) {
    if (seen.has(name))
      at.context.report([...at.path, 'subsets', index, 'name'], {
        message: `Subset "${name}" is defined twice in this rule: rename or remove one.`,
      });
    seen.add(name);
  }
}
