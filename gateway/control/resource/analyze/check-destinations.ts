import type { Problem } from '../../../snapshot/problem.ts';
import { didYouMean } from '../did-you-mean.ts';
import type { RuleDestination } from '../istio/virtual-service.ts';
import type { DestinationRuleResource, FieldPath, VirtualServiceResource } from '../resource.ts';
import { problemAbout } from './finding.ts';
import type { AnalyzeOptions } from './options.ts';
import type { Backend, ResourceIndex } from './resource-index.ts';

type Check = {
  readonly service: VirtualServiceResource;
  readonly destination: RuleDestination;
  /** Of the destination. */
  readonly path: FieldPath;
  readonly backend: Backend | undefined;
};

/** Do the destinations of a VirtualService lead somewhere? */
export function checkDestinations(
  service: VirtualServiceResource,
  index: ResourceIndex,
  options: AnalyzeOptions,
): Problem[] {
  const problems: Problem[] = [];
  for (const { action, index: rule } of service.spec.http) {
    if (action.kind !== 'forward') continue;
    for (const destination of action.destinations) {
      const path = ['spec', 'http', rule, 'route', destination.index, 'destination'];
      const check = { service, destination, path, backend: index.backend(destination.host) };
      problems.push(...checkSubset(check, index, options));
      // Build says these, from the settings and endpoints that only it knows.
      if (options.scope === 'partial') problems.push(...checkHost(check, index), ...checkPort(check));
    }
  }
  return problems;
}

function checkHost({ service, destination, path, backend }: Check, index: ResourceIndex): Problem[] {
  if (backend !== undefined) return [];
  const { host, writtenHost } = destination;
  const full = host === writtenHost ? '' : ` (${host})`;
  return [
    problemAbout(service, [...path, 'host'], {
      severity: 'warning',
      code: 'IST0101',
      message: `No Service or ServiceEntry here answers for ${writtenHost}${full}: until there is one, its requests get 503. Create it, or correct the host.${index.suggestHost(host)}`,
    }),
  ];
}

function checkPort({ service, destination, path, backend }: Check): Problem[] {
  const ports = portsOf(backend);
  const { port, host } = destination;
  const list = ports.join(', ');
  if (port === undefined && ports.length > 1)
    return [
      problemAbout(
        service,
        path,
        {
          severity: 'warning',
          code: 'IST0112',
          message: `${host} has the ports ${list}: which one? Set destination.port.number; without it, the Gateway's own port number is taken.`,
        },
        'key',
      ),
    ];
  if (port === undefined || ports.length === 0 || ports.includes(port)) return [];
  return [
    problemAbout(service, [...path, 'port', 'number'], {
      severity: 'warning',
      code: 'MG0302',
      message: `${host} has no port ${port}, only ${list}: its requests get 503. Use one of them.`,
    }),
  ];
}

function portsOf(backend: Backend | undefined): readonly number[] {
  if (backend === undefined) return [];
  if (backend.kind === 'entry') return backend.resource.spec.ports.map(({ number }) => number);
  return backend.resource.spec.ports.flatMap(({ port, protocol }) => (protocol === 'TCP' ? [port] : []));
}

function checkSubset(
  { service, destination, path, backend }: Check,
  index: ResourceIndex,
  options: AnalyzeOptions,
): Problem[] {
  const { subset, host } = destination;
  if (subset === undefined) return [];
  const namespaces = new Set([
    options.gatewayNamespace,
    backend?.resource.namespace ?? service.namespace,
    'istio-system',
  ]);
  const rules = index.rulesFor(host).filter((rule) => namespaces.has(rule.namespace) && isVisible(rule, options));
  if (rules.some((rule) => rule.spec.subsets.some(({ name }) => name === subset))) return [];
  const known = rules.flatMap((rule) => rule.spec.subsets.map(({ name }) => name));
  return [
    problemAbout(service, [...path, 'subset'], {
      // In a part of the configuration, the rule may simply be elsewhere; one that is here can be judged.
      severity: rules.length === 0 && options.scope === 'partial' ? 'warning' : 'error',
      code: 'MG0303',
      message: subsetMessage(subset, host, rules, known),
    }),
  ];
}

function isVisible(rule: DestinationRuleResource, options: AnalyzeOptions): boolean {
  const { exportTo } = rule.spec;
  return exportTo.includes('*') || exportTo.includes(options.gatewayNamespace);
}

function subsetMessage(
  subset: string,
  host: string,
  rules: readonly DestinationRuleResource[],
  known: readonly string[],
): string {
  if (rules.length === 0)
    return `No DestinationRule defines subsets of ${host}, so "${subset}" selects nothing. Create one with this subset, or remove the subset here.`;
  const names = rules.map((rule) => `${rule.namespace}/${rule.name}`).join(', ');
  const list = known.length === 0 ? 'none' : known.join(', ');
  return `DestinationRule ${names} has no subset "${subset}" of ${host} (it has: ${list}). Add it there, or correct it here.${didYouMean(subset, known)}`;
}
