import type { Problem } from '../../../snapshot/problem.ts';
import type { RuleDestination } from '../istio/virtual-service.ts';
import { ROOT_NAMESPACE } from '../policies/root-namespace.ts';
import type { DestinationRuleResource, FieldPath, VirtualServiceResource } from '../resource.ts';
import { suggestion } from '../suggestion.ts';
import { problemAbout } from './finding.ts';
import type { AnalyzeOptions } from './options.ts';
import type { Backend, ResourceIndex } from './resource-index.ts';

type Check = {
  readonly service: VirtualServiceResource;
  readonly destination: RuleDestination;
  /** Index of the rule. */
  readonly rule: number;
  readonly backend: Backend | undefined;
};

/** Do the destinations of a VirtualService lead somewhere? */
export function checkDestinations(service: VirtualServiceResource, index: ResourceIndex): Problem[] {
  // What no edge serves cannot be broken at the edge.
  if (service.spec.gateways.every((name) => name === 'mesh')) return [];
  return service.spec.http.flatMap(({ action, index: rule }) => {
    if (action.kind !== 'forward') return [];
    return action.destinations.flatMap((destination) => {
      const check = { service, destination, rule, backend: index.backend(destination.host) };
      const subset = destination.subset === undefined ? [] : checkSubset(check, destination.subset, index);
      // Build says the others, from the settings and endpoints that only it knows.
      return index.options.scope === 'whole' ? subset : [...subset, ...checkHost(check, index), ...checkPort(check)];
    });
  });
}

function checkSubset(check: Check, subset: string, index: ResourceIndex): Problem[] {
  const { service, destination, backend } = check;
  const known = subsetsOf(destination.host, backend?.resource.namespace ?? service.namespace, index);
  if (known.names.has(subset)) return [];
  return [
    problemAbout(service, fieldOf(check, 'subset'), {
      // In a part of the configuration, the rule may simply be elsewhere; one that is here can be judged.
      severity: known.rules.length === 0 && index.options.scope === 'partial' ? 'warning' : 'error',
      code: 'MG0303',
      message: subsetMessage(subset, destination.host, known),
    }),
  ];
}

function subsetsOf(host: string, namespace: string, index: ResourceIndex): HostSubsets {
  const { options } = index;
  const namespaces = [options.gatewayNamespace, namespace, ROOT_NAMESPACE];
  const rules = index.rulesFor(host).filter((rule) => namespaces.includes(rule.namespace) && isVisible(rule, options));
  return { rules, names: new Set(rules.flatMap((rule) => rule.spec.subsets.map(({ name }) => name))) };
}

/** The DestinationRules that count for a host, and the subsets that they define. */
type HostSubsets = { readonly rules: readonly DestinationRuleResource[]; readonly names: ReadonlySet<string> };

function fieldOf({ rule, destination }: Check, ...rest: FieldPath): FieldPath {
  return ['spec', 'http', rule, 'route', destination.index, 'destination', ...rest];
}

function checkHost(check: Check, index: ResourceIndex): Problem[] {
  const { service, destination, backend } = check;
  if (backend !== undefined) return [];
  const { host, writtenHost } = destination;
  const full = host === writtenHost ? '' : ` (${host})`;
  return [
    problemAbout(service, fieldOf(check, 'host'), {
      severity: 'warning',
      code: 'IST0101',
      message: `No Service or ServiceEntry here answers for ${writtenHost}${full}: until there is one, its requests get 503. Create it, or correct the host.${index.suggestHost(host)}`,
    }),
  ];
}

function checkPort(check: Check): Problem[] {
  const { service, destination, backend } = check;
  const ports = portsOf(backend);
  const { port, host } = destination;
  const list = ports.join(', ');
  if (port === undefined && ports.length > 1)
    return [
      problemAbout(
        service,
        fieldOf(check),
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
    problemAbout(service, fieldOf(check, 'port', 'number'), {
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

function isVisible(rule: DestinationRuleResource, options: AnalyzeOptions): boolean {
  const { exportTo } = rule.spec;
  return exportTo.includes('*') || exportTo.includes(options.gatewayNamespace);
}

function subsetMessage(subset: string, host: string, { rules, names }: HostSubsets): string {
  if (rules.length === 0)
    return `No DestinationRule defines subsets of ${host}, so "${subset}" selects nothing. Create one with this subset, or remove the subset here.`;
  const owners = rules.map((rule) => `${rule.namespace}/${rule.name}`).join(', ');
  const list = names.size === 0 ? 'none' : [...names].join(', ');
  return `DestinationRule ${owners} has no subset "${subset}" of ${host} (it has: ${list}). Add it there, or correct it here.${suggestion(subset, names)}`;
}
