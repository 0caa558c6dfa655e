import type { At } from '../../reader/at.ts';
import { listOf } from '../../reader/collections.ts';
import { type Reader, refine, required } from '../../reader/reader.ts';
import { record } from '../../reader/record.ts';
import { durationMs, oneOf, port } from '../../reader/scalars.ts';
import { exclusive, hasEntries, needsOne, writtenIn } from '../../reader/together.ts';
import { readLocalityPolicy, zoneAwareLbSetting } from '../read-locality-policy.ts';
import { clientTls } from './client-tls.ts';
import { consistentHash } from './consistent-hash.ts';
import { connectionPool, outlierDetection, warmup } from './upstream-settings.ts';

const POLICIES = ['UNSPECIFIED', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST', 'LEAST_CONN'];

const loadBalancer = record({
  simple: oneOf(Object.fromEntries(POLICIES.map((name) => [name, name]))),
  consistentHash,
  localityLbSetting: readLocalityPolicy,
  zoneAwareLbSetting,
  warmup,
  warmupDurationSecs: durationMs,
});

/** What may stand in the settings of one port. */
const SETTINGS = ['loadBalancer', 'connectionPool', 'outlierDetection', 'tls'] as const;

/** `portLevelSettings`. */
export const portLevelSettings: Reader<unknown> = listOf(
  refine(
    record({
      port: required(record({ number: required(port, 'write the port, as number: 80') }), 'write port: with a number'),
      loadBalancer,
      connectionPool,
      outlierDetection,
      tls: clientTls,
    }),
    (value, at) => {
      needsOne(at, writtenIn(at), SETTINGS);
      checkLoadBalancer(at);
      return value;
    },
  ),
);

/** What fields of `loadBalancer` ask of each other and of their neighbours; `at` is the policy that holds it. */
export function checkLoadBalancer(at: At): void {
  const { loadBalancer: written, outlierDetection: outliers } = writtenIn(at);
  if (typeof written !== 'object' || written === null) return;
  const inside = at.child('loadBalancer', written);
  exclusive(inside, written, 'simple', 'consistentHash');
  exclusive(inside, written, 'localityLbSetting', 'zoneAwareLbSetting');
  for (const name of ['localityLbSetting', 'zoneAwareLbSetting']) {
    const setting = inside.child(name, writtenIn(inside)[name]);
    const { failover, failoverPriority } = writtenIn(setting);
    if ((hasEntries(failover) || hasEntries(failoverPriority)) && (outliers === undefined || outliers === null))
      setting.reportKey({
        severity: 'warning',
        message: 'A failover needs outlierDetection beside loadBalancer: without it, no endpoint is ever left.',
      });
  }
}
