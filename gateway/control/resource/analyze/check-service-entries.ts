import type { Problem } from '../../../snapshot/problem.ts';
import { resourceKey, type ServiceEntryResource } from '../resource.ts';
import { isVisible } from '../visibility.ts';
import { problemAbout } from './finding.ts';
import type { ResourceIndex } from './resource-index.ts';

/** Do several ServiceEntries say the same of a port of one host? */
export function checkServiceEntry(entry: ServiceEntryResource, index: ResourceIndex): Problem[] {
  const { gatewayNamespace } = index.options;
  const own = resourceKey(entry);
  // What the gateway does not see confuses nobody here.
  if (!isVisible(entry, gatewayNamespace)) return [];
  return entry.spec.hosts.flatMap((host) => {
    const others = index
      .serviceEntries(host)
      .filter((other) => resourceKey(other) !== own && isVisible(other, gatewayNamespace));
    return entry.spec.ports.flatMap(({ number, protocol }, position) => {
      const rival = others.find(({ spec }) =>
        spec.ports.some((one) => one.number === number && one.protocol !== protocol),
      );
      if (rival === undefined) return [];
      const other = rival.spec.ports.find((one) => one.number === number)?.protocol;
      return [
        problemAbout(entry, ['spec', 'ports', position, 'protocol'], {
          severity: 'warning',
          code: 'IST0177',
          message: `Port ${number} of ${host} is ${protocol} here and ${other} in ServiceEntry ${rival.namespace}/${rival.name}: which of both counts depends on their age. Let both say the same, or join them.`,
        }),
      ];
    });
  });
}
