import type { Problem, Severity } from '../../snapshot/problem.ts';
import type { CatalogReader } from '../resource/catalog/catalog.ts';
import { findDestinationRule, type MergedRule } from '../resource/catalog/destination-rules.ts';
import { type Backend, findBackend, findHidden, hasAnyPort, portsOf } from '../resource/catalog/services.ts';
import type { ProblemCode } from '../resource/codes.ts';
import type { HttpRule, RuleDestination } from '../resource/istio/virtual-service.ts';
import type { FieldPath, Labels, VirtualServiceResource } from '../resource/resource.ts';
import { exportOf } from '../resource/visibility.ts';
import type { EndpointMode } from './build-input.ts';
import { type ClusterRequest, clusterKey } from './clusters.ts';
import { problemAt } from './problem-at.ts';

/** The cluster of a destination, and what is wrong with it: then the cluster is empty and its share gets 503. */
export type ResolvedDestination = { readonly cluster: ClusterRequest; readonly problems: readonly Problem[] };

/** Where a rule stands: what a destination without port or with a short name depends on. */
export type DestinationContext = {
  readonly virtualService: VirtualServiceResource;
  readonly rule: HttpRule;
  /** Gateway port; stands in for a destination's port when the service has several. */
  readonly gatewayPort: number;
  readonly gatewayNamespace: string;
  readonly gatewayLabels: Labels;
  readonly rootNamespace: string;
  readonly endpoints: EndpointMode;
  readonly catalog: CatalogReader;
};

/** Finds service, port and subset of one entry of `route`. */
export function resolveDestination(destination: RuleDestination, context: DestinationContext): ResolvedDestination {
  const { catalog, gatewayNamespace, gatewayLabels, rootNamespace, virtualService } = context;
  const backend = findBackend(destination.host, catalog, gatewayNamespace);
  const host = backend?.host ?? destination.host;
  const namespace = backend?.resource.namespace ?? virtualService.namespace;
  const rule =
    destination.subset === undefined
      ? undefined
      : findDestinationRule(
          host,
          { gateway: gatewayNamespace, labels: gatewayLabels, service: namespace, root: rootNamespace },
          catalog,
        );
  const port = destination.port ?? defaultPort(backend, context.gatewayPort);
  const { subset } = destination;
  return {
    cluster: { key: clusterKey(host, port, subset), host, port, namespace, ...(subset !== undefined && { subset }) },
    problems: [
      ...(backend === undefined
        ? [unknownHost(destination, context)]
        : [...portProblems(destination, backend, port, context), ...modeProblems(destination, backend, port, context)]),
      ...subsetProblems(destination, host, rule, context),
    ],
  };
}

/** Istio's GetDestinationCluster: a service's only port, else the port of the listener. */
function defaultPort(backend: Backend | undefined, gatewayPort: number): number {
  const ports = backend === undefined ? [] : portsOf(backend);
  return ports.length === 1 ? (ports[0]?.number ?? gatewayPort) : gatewayPort;
}

function unknownHost(destination: RuleDestination, context: DestinationContext): Problem {
  const { host, writtenHost } = destination;
  const hidden = findHidden(host, context.catalog);
  if (hidden !== undefined) {
    return problemOf(context, destination, ['host'], 'error', 'MG0305', [
      `${hidden.resource.kind} ${hidden.resource.namespace}/${hidden.resource.name} is exported to ${exportOf(hidden.resource).join(', ')}, `,
      `not to the gateway's namespace ${context.gatewayNamespace}, so its share of the requests gets 503. Export it to "${context.gatewayNamespace}" or "*".`,
    ]);
  }
  return problemOf(context, destination, ['host'], 'error', 'IST0101', [
    `No Service or ServiceEntry answers for the destination ${writtenHost}`,
    host === writtenHost ? '' : ` (${host})`,
    ', so its share of the requests gets 503. Create it, or correct the host.',
  ]);
}

function portProblems(
  destination: RuleDestination,
  backend: Backend,
  port: number,
  context: DestinationContext,
): Problem[] {
  const ports = portsOf(backend).map(({ number }) => number);
  const has = hasAnyPort(backend) || ports.includes(port);
  const list = ports.join(', ') || 'none';
  if (destination.port !== undefined) {
    if (has) return [];
    return [
      problemOf(context, destination, ['port', 'number'], 'error', 'MG0302', [
        `${backend.host} has no port ${port} (it has: ${list}), so this destination gets 503. Name one of its ports.`,
      ]),
    ];
  }
  if (ports.length === 1 || (has && ports.length === 0)) return [];
  return [
    problemOf(context, destination, [], has ? 'warning' : 'error', 'IST0112', [
      `${backend.host} has the ports ${list} and the destination names none, so the listener's port ${port} is taken`,
      has ? '. ' : ', which it does not have: requests get 503. ',
      'Set destination.port.number.',
    ]),
  ];
}

/** What kube-proxy cannot give: a choice among pods, or any address at all. */
function modeProblems(
  destination: RuleDestination,
  backend: Backend,
  port: number,
  context: DestinationContext,
): Problem[] {
  const { endpoints: mode } = context;
  if (mode === 'pods' || backend.kind !== 'service' || backend.resource.spec.type === 'ExternalName') return [];
  const { spec } = backend.resource;
  const setting = `source.kubernetes.endpoints is ${mode}`;
  if (destination.subset !== undefined)
    return [
      problemOf(context, destination, ['subset'], 'error', 'MG1105', [
        `A subset needs the addresses of pods, and ${setting}, so the share of ${destination.subset} gets 503. `,
        'Let this node reach the pod network and set endpoints: pods, or give each version a Service of its own.',
      ]),
    ];
  const hasAddress = mode === 'clusterIP' ? spec.clusterIP : spec.ports.find((one) => one.port === port)?.nodePort;
  if (hasAddress !== undefined && mode === 'clusterIP' && spec.internalTrafficLocal)
    return [
      problemOf(context, destination, ['host'], 'warning', 'MG1107', [
        `${backend.host} has internalTrafficPolicy: Local, and ${setting}: kube-proxy of this node leads to pods of this node alone, and drops connections when there is none. `,
        'Set internalTrafficPolicy: Cluster, or endpoints: pods.',
      ]),
    ];
  if (hasAddress !== undefined || !spec.ports.some((one) => one.port === port)) return [];
  const what = mode === 'clusterIP' ? 'no cluster IP (it is headless)' : `no node port for its port ${port}`;
  return [
    problemOf(context, destination, ['host'], 'error', 'MG1106', [
      `${backend.host} has ${what}, and ${setting}, so its share of the requests gets 503. `,
      mode === 'clusterIP' ? 'Give it a clusterIP.' : 'Make it a Service of type NodePort.',
    ]),
  ];
}

function subsetProblems(
  destination: RuleDestination,
  host: string,
  rule: MergedRule | undefined,
  context: DestinationContext,
): readonly Problem[] {
  const { subset } = destination;
  if (subset === undefined || rule?.subsets.has(subset)) return rule?.problems ?? [];
  const known = [...(rule?.subsets.keys() ?? [])].join(', ');
  const why = known === '' ? `No DestinationRule defines subsets of ${host}` : `${host} has the subsets ${known}`;
  const problem = problemOf(context, destination, ['subset'], 'error', 'MG0303', [
    `${why}, not ${subset}, so its share of the requests gets 503. Add the subset to the DestinationRule, or correct the name.`,
  ]);
  return [problem, ...(rule?.problems ?? [])];
}

function problemOf(
  { virtualService, rule }: DestinationContext,
  destination: RuleDestination,
  path: FieldPath,
  severity: Severity,
  code: ProblemCode,
  words: readonly string[],
): Problem {
  const at = ['spec', 'http', rule.index, 'route', destination.index, 'destination', ...path];
  return problemAt(virtualService, at, { severity, code, message: words.join('') });
}
