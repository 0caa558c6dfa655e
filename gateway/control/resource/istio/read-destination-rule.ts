import type { BalancerPolicy } from '../../../snapshot/cluster.ts';
import { defined } from '../defined.ts';
import { resolveHost } from '../host-names.ts';
import type { At } from '../reader/at.ts';
import { labels, listOf } from '../reader/collections.ts';
import { type Reader, refine, required } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { oneOf, positiveDurationMs } from '../reader/scalars.ts';
import { exclusive, isThere, needsOne, writtenIn } from '../reader/together.ts';
import type { DestinationRuleSpec, Subset, TrafficPolicy } from './destination-rule.ts';
import { exportTo, orEverybody, serviceHostName } from './host-values.ts';
import { subsetName } from './read-destinations.ts';
import { readLocalityPolicy } from './read-locality-policy.ts';
import { checkLoadBalancer } from './unhonoured/port-settings.ts';
import { checkUpstreamTls } from './upstream-tls.ts';
import { workloadSelector } from './workload-selector.ts';

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
    loadBalancer: record({ simple, localityLbSetting: readLocalityPolicy }),
    connectionPool: record({ tcp: record({ connectTimeout: positiveDurationMs }) }),
  }),
  (value, at) => {
    checkPolicy(at);
    const { simple: balancer, localityLbSetting: locality } = value.loadBalancer ?? {};
    return defined({
      balancer: balancer === 'default' ? undefined : balancer,
      connectTimeoutMs: value.connectionPool?.tcp?.connectTimeout,
      locality,
      outlierDetection: isThere(writtenIn(at), 'outlierDetection') || undefined,
    });
  },
);

/** A policy without any field, which Istio takes for a mistake; and fields that exclude each other. */
function checkPolicy(at: At): void {
  const written = writtenIn(at);
  needsOne(at, withoutEmpty(written), POLICY_FIELDS, 'warning');
  if (isThere(written, 'connectionPool'))
    needsOne(at.child('connectionPool', undefined), Object(written['connectionPool']), ['http', 'tcp'], 'warning');
  exclusive(at, written, 'tunnel', 'proxyProtocol');
  checkLoadBalancer(at);
}

const POLICY_FIELDS = [
  'loadBalancer',
  'connectionPool',
  'outlierDetection',
  'portLevelSettings',
  'proxyProtocol',
  'retryBudget',
  'tls',
  'tunnel',
];

/** An empty list sets nothing. */
function withoutEmpty(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !Array.isArray(value) || value.length > 0));
}

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
  workloadSelector,
  exportTo: exportTo({ nobody: 'odd' }),
});

/** `spec` of a DestinationRule. */
export const readDestinationRule: Reader<DestinationRuleSpec> = refine(fields, (spec, at) => {
  if (spec.host === undefined) return undefined;
  checkSubsets(spec.subsets ?? [], at);
  checkUpstreamTls(at);
  checkExport(spec.exportTo ?? [], at);
  return {
    host: resolveHost(spec.host, at.context.object.namespace),
    policy: spec.trafficPolicy ?? {},
    subsets: spec.subsets ?? [],
    ...defined({ workloadSelector: spec.workloadSelector }),
    exportTo: orEverybody(spec.exportTo),
  };
});

/** A rule for some workloads of a namespace is for nobody else. */
function checkExport(namespaces: readonly string[], at: At): void {
  const { namespace } = at.context.object;
  if (isThere(writtenIn(at), 'workloadSelector') && namespaces.some((one) => one !== namespace))
    at.child('exportTo', undefined).reportKey({
      severity: 'warning',
      message: 'A rule with a workloadSelector is for its own namespace only: Istio refuses another in exportTo.',
    });
}

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
