import type { Problem } from '../../../snapshot/problem.ts';
import type { MergedRule } from '../catalog/destination-rules.ts';
import type { Backend } from '../catalog/services.ts';
import type { RuleDestination } from '../istio/virtual-service.ts';
import type { FieldPath, VirtualServiceResource } from '../resource.ts';
import { suggestion } from '../suggestion.ts';
import { exportOf } from '../visibility.ts';
import { checkMutualTls } from './check-mutual-tls.ts';
import { problemAbout } from './finding.ts';
import type { ResourceIndex } from './resource-index.ts';

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
      const plain = checkMutualTls(service, fieldOf(check, 'host'), destination, index);
      // Build says the others, from the settings and endpoints that only it knows.
      return index.options.scope === 'whole'
        ? [...subset, ...plain]
        : [...subset, ...plain, ...checkHost(check, index), ...checkPort(check)];
    });
  });
}

function checkSubset(check: Check, subset: string, index: ResourceIndex): Problem[] {
  const { service, destination, backend } = check;
  const rule = index.ruleFor(destination.host, backend?.resource.namespace ?? service.namespace);
  if (rule?.subsets.has(subset)) return [];
  return [
    problemAbout(service, fieldOf(check, 'subset'), {
      // In a part of the configuration, the rule may simply be elsewhere; one that is here can be judged.
      severity: rule === undefined && index.options.scope === 'partial' ? 'warning' : 'error',
      code: 'MG0303',
      message: subsetMessage(subset, destination.host, rule),
    }),
  ];
}

function fieldOf({ rule, destination }: Check, ...rest: FieldPath): FieldPath {
  return ['spec', 'http', rule, 'route', destination.index, 'destination', ...rest];
}

function checkHost(check: Check, index: ResourceIndex): Problem[] {
  const { service, destination, backend } = check;
  if (backend !== undefined) return [];
  const { host, writtenHost } = destination;
  const hidden = index.anyBackend(host)?.resource;
  if (hidden !== undefined)
    return [
      problemAbout(service, fieldOf(check, 'host'), {
        severity: 'warning',
        code: 'MG0305',
        message: `${hidden.kind} ${hidden.namespace}/${hidden.name} is exported to ${exportOf(hidden).join(', ')}, not to the gateway's namespace ${index.options.gatewayNamespace}: its requests get 503. Export it to "${index.options.gatewayNamespace}" or "*".`,
      }),
    ];
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

function subsetMessage(subset: string, host: string, rule: MergedRule | undefined): string {
  if (rule === undefined)
    return `No DestinationRule defines subsets of ${host}, so "${subset}" selects nothing. Create one with this subset, or remove the subset here.`;
  const owners = rule.rules.map(({ namespace, name }) => `${namespace}/${name}`).join(', ');
  const list = rule.subsets.size === 0 ? 'none' : [...rule.subsets.keys()].join(', ');
  return `DestinationRule ${owners} has no subset "${subset}" of ${host} (it has: ${list}). Add it there, or correct it here.${suggestion(subset, rule.subsets.keys())}`;
}
