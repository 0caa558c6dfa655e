import type { At } from '../reader/at.ts';
import { listOf, mapOf } from '../reader/collections.ts';
import { type Reader, refine } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { boolean, integer, text } from '../reader/scalars.ts';
import { hasEntries, writtenIn } from '../reader/together.ts';
import type { LocalityPolicy } from './locality-policy.ts';

const TOPOLOGY: ReadonlySet<string> = new Set([
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.istio.io/subzone',
]);

/** A locality as `region/zone/subzone`, where `*` may stand at the end. */
function checkLocalities(at: At, localities: readonly string[]): void {
  const seen: string[] = [];
  for (const one of localities) {
    const flaw = flawOf(one, seen);
    if (flaw !== undefined) at.reportKey({ message: `"${one}" ${flaw}` });
    seen.push(one);
  }
}

function flawOf(locality: string, others: readonly string[]): string | undefined {
  if (/\*./.test(locality)) return 'has its * not at the end: only there it stands for the rest.';
  if (locality.split('/', 3).includes(''))
    return 'has an empty part: write region, region/zone or region/zone/subzone.';
  const wider = others.find((other) => overlaps(locality, other));
  return wider === undefined ? undefined : `overlaps with "${wider}": keep one of them.`;
}

function overlaps(a: string, b: string): boolean {
  const [first, second] = [partsOf(a), partsOf(b)];
  for (let index = 0; index < Math.min(first.length, second.length); index += 1)
    if (first[index] !== second[index]) return false;
  return true;
}

function partsOf(locality: string): string[] {
  const parts = locality.split('/');
  const end = parts.indexOf('*');
  return end === -1 ? parts : parts.slice(0, end);
}

const share: Reader<LocalityPolicy['distribute'][number]> = refine(
  record({ from: text, to: mapOf(integer({ min: 1, max: 100 })) }),
  (value, at) => {
    const to = value.to ?? {};
    const total = Object.values(to).reduce((sum, weight) => sum + weight, 0);
    if (total !== 100) at.reportKey({ message: `The weights under "to" sum to ${total}: they must sum to 100.` });
    checkLocalities(at, Object.keys(to));
    return { from: value.from ?? '', to };
  },
);

const region: Reader<string> = refine(text, (name, at) =>
  /[*/]/.test(name) ? at.report({ message: `"${name}" is not a region: leave zones and * out.` }) : name,
);
const failover: Reader<LocalityPolicy['failover'][number]> = refine(
  record({ from: region, to: region }),
  (value, at) => {
    const written = writtenIn(at);
    if (written['from'] === written['to']) at.reportKey({ message: 'Name two regions that differ, in from and to.' });
    return { from: value.from ?? '', to: value.to ?? '' };
  },
);

/** `localityLbSetting`. */
export const readLocalityPolicy: Reader<LocalityPolicy> = refine(
  record({ enabled: boolean, distribute: listOf(share), failover: listOf(failover), failoverPriority: listOf(text) }),
  (value, at) => {
    checkLocalities(
      at,
      (value.distribute ?? []).map(({ from }) => from),
    );
    if (hasEntries(value.distribute) && hasEntries(value.failover))
      at.child('failover', undefined).reportKey({
        message: '"distribute" and "failover" exclude each other: keep one.',
      });
    if (hasEntries(value.failover)) checkPriority(at, value.failoverPriority, 'beside failover');
    const { enabled = true, distribute = [], failover: regions = [], failoverPriority = [] } = value;
    return { enabled, distribute, failover: regions, failoverPriority };
  },
);

/** `zoneAwareLbSetting`. */
export const zoneAwareLbSetting: Reader<unknown> = refine(
  record({
    enabled: boolean,
    failover: listOf(failover),
    failoverPriority: listOf(text),
    minClusterSize: integer({ min: 0, max: 2 ** 32 - 1 }),
  }),
  (value, at) => {
    checkPriority(at, value.failoverPriority, 'here');
    return value;
  },
);

function checkPriority(at: At, labels: readonly string[] = [], where: string): void {
  const label = labels.find((one) => TOPOLOGY.has(one));
  if (label !== undefined)
    at.child('failoverPriority', undefined).reportKey({ message: `${label} has no place ${where}: remove it.` });
}
