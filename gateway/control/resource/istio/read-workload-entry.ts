import { isIP } from 'node:net';
import { defined } from '../defined.ts';
import type { At } from '../reader/at.ts';
import { labels, mapOf } from '../reader/collections.ts';
import { type Reader, refine } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { integer, plainText, port } from '../reader/scalars.ts';
import { isDnsName } from './host-values.ts';
import type { WorkloadEntrySpec } from './workload-entry.ts';

/** An IP address or a DNS name. */
const address: Reader<string> = refine(plainText, (value, at) => {
  const name = value.toLowerCase();
  if (isIP(name) !== 0 && !name.includes('%')) return name;
  if (name.startsWith('unix:')) return at.report({ message: 'Unix sockets are not served yet: use an IP address.' });
  if (/^[\d.]+$/.test(name) || !isDnsName(name))
    return at.report({ message: `"${value}" is neither an IP address nor a host name.` });
  return name;
});

const fields = record({
  address,
  ports: mapOf(port),
  labels,
  weight: integer({ min: 0, max: 2 ** 31 - 1 }),
});

/** An entry of `ServiceEntry.spec.endpoints`. */
export const readEndpoint: Reader<WorkloadEntrySpec> = refine(fields, (spec) => ({
  ports: spec.ports ?? {},
  labels: spec.labels ?? {},
  weight: spec.weight ?? 1,
  ...defined({ address: spec.address }),
}));

/** `spec` of a WorkloadEntry. */
export const readWorkloadEntry: Reader<WorkloadEntrySpec> = refine(readEndpoint, (spec, at) => checkAddress(spec, at));

function checkAddress(spec: WorkloadEntrySpec, at: At): WorkloadEntrySpec {
  const written = typeof at.value === 'object' && at.value !== null && 'address' in at.value;
  if (spec.address === undefined && !written)
    at.child('address', undefined).reportKey({ message: '"address" is missing: write the IP address of the machine.' });
  return spec;
}
