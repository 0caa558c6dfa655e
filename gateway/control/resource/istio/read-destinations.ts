import { defined } from '../defined.ts';
import { formatPath } from '../field-path.ts';
import { resolveHost } from '../host-names.ts';
import type { At } from '../reader/at.ts';
import { listOf } from '../reader/collections.ts';
import { type Reader, refine, required } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { integer, orEmpty, plainText, port } from '../reader/scalars.ts';
import { isDnsLabel, serviceHostName } from './host-values.ts';
import type { RuleDestination } from './virtual-service.ts';

/** `{number: 8080}`, as Istio writes a port. */
const portSelector = refine(
  record({ number: required(port, 'write the port, as number: 80') }),
  (value) => value.number,
);

/** A subset's name. */
export const subsetName: Reader<string> = refine(plainText, (name, at) =>
  isDnsLabel(name.toLowerCase())
    ? warnOfForm(name, at)
    : at.report({ message: `"${name}" is not a subset's name: use letters, digits and "-".` }),
);

function warnOfForm(name: string, at: At): string {
  if (name.includes('_'))
    at.report({ severity: 'warning', message: `Istio refuses an "_" in a subset's name, as in "${name}".` });
  return name;
}

/** `destination`. */
export const destination = record({
  host: required(serviceHostName({ wildcard: false }), "write the service's name"),
  subset: orEmpty(subsetName),
  port: portSelector,
});

const weight = integer({ min: 0, max: 2 ** 31 - 1 });

const weighted: Reader<RuleDestination> = refine(
  record({ destination: required(destination, 'write destination: with a host'), weight }),
  (value, at) => {
    const host = value.destination?.host;
    if (host === undefined) return undefined;
    return {
      index: Number(at.key),
      host: resolveHost(host, at.context.object.namespace),
      writtenHost: host,
      weight: value.weight ?? 0,
      ...defined({ subset: value.destination?.subset, port: value.destination?.port }),
    };
  },
);

/** `route`: where requests go, with shares that make sense together. */
export const destinations: Reader<readonly RuleDestination[]> = refine(listOf(weighted, { min: 1 }), (list, at) => {
  if (list.length > 1) checkWeights(list, at);
  return list;
});

/** A lone destination takes everything, whatever its weight; several must share something. */
function checkWeights(list: readonly RuleDestination[], at: At): void {
  // A weight that is no number was reported already, and is no 0.
  const here = `${formatPath(at.path)}[`;
  if (at.context.problems.some(({ severity, field }) => severity === 'error' && field?.startsWith(here))) return;
  const total = list.reduce((sum, entry) => sum + entry.weight, 0);
  if (total === 0)
    at.reportKey({
      message:
        'The weights of these destinations sum to 0, so nobody would get a request: give each a weight, as 50 and 50.',
    });
  else if (total !== 100 && at.context.apiVersion.endsWith('/v1alpha3'))
    at.reportKey({
      severity: 'warning',
      code: 'MG0203',
      message: `The weights sum to ${total}. Shares here are weight / sum; Istio 1.0 and 1.1, which v1alpha3 was written for, demand 100.`,
    });
}
