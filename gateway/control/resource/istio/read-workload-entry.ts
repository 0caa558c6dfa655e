import { isIP } from 'node:net';
import { parseLocality } from '../core/locality.ts';
import { defined } from '../defined.ts';
import type { At } from '../reader/at.ts';
import { labels, mapOf } from '../reader/collections.ts';
import { type Reader, refine } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { integer, orEmpty, plainText, port, text } from '../reader/scalars.ts';
import { isThere, writtenIn } from '../reader/together.ts';
import { isDnsLabel, isDnsName } from './host-values.ts';
import type { WorkloadEntrySpec } from './workload-entry.ts';

/** An IP address or a DNS name. */
const address: Reader<string> = refine(plainText, (value, at) => {
  const name = value.toLowerCase();
  if (isIP(name) !== 0 && !name.includes('%')) return name;
  if (name.startsWith('unix:'))
    return at.report({
      ...(/^unix:\/\/(?:@|\/.*[^/]$)/.test(name) && { code: 'MG0207' }),
      message: 'Unix sockets are not served yet: use an IP address.',
    });
  if (/^[\d.]+$/.test(name) || !isDnsName(name.replace(/\.$/, '')) || name.includes('_'))
    return at.report({ message: `"${value}" is neither an IP address nor a host name.` });
  return name;
});

/** A name of a service's port: endpoints name theirs by it. */
export const portName: Reader<string> = refine(plainText, (name, at) => {
  if (isDnsLabel(name.toLowerCase()) && !name.includes('_')) return name;
  const isClear = /^[\w.-]+$/.test(name);
  const message = `"${name}" is not a port's name for Istio: use letters, digits and "-", at most 63 of them.`;
  at.report({ severity: isClear ? 'warning' : 'error', message });
  return isClear ? name : undefined;
});

const fields = record({
  address: orEmpty(address),
  ports: mapOf(port, { key: portName }),
  labels,
  weight: integer({ min: 0, max: 2 ** 32 - 1 }),
  locality: refine(text, parseLocality),
});

/** An entry of `ServiceEntry.spec.endpoints`. */
export const readEndpoint: Reader<WorkloadEntrySpec> = refine(fields, (spec) => ({
  ports: spec.ports ?? {},
  labels: spec.labels ?? {},
  weight: spec.weight ?? 1,
  ...defined({ address: spec.address, locality: spec.locality }),
}));

/** `spec` of a WorkloadEntry. */
export const readWorkloadEntry: Reader<WorkloadEntrySpec> = refine(readEndpoint, (spec, at) => checkAddress(spec, at));

function checkAddress(spec: WorkloadEntrySpec, at: At): WorkloadEntrySpec {
  const written = isThere(writtenIn(at), 'address');
  if (spec.address === undefined && !written)
    at.child('address', undefined).reportKey({
      // In Istio, the gateway of that network stands for it.
      ...(isThere(writtenIn(at), 'network') && { code: 'MG0207' }),
      message: '"address" is missing: write the IP address of the machine.',
    });
  return spec;
}
