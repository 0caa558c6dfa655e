import type { Problem } from '../../../snapshot/problem.ts';
import type { GatewayResource, VirtualServiceResource } from '../resource.ts';
import { problemAbout } from './finding.ts';
import type { ResourceIndex } from './resource-index.ts';

/** Does a VirtualService reach the edge at all: through which Gateways, with which of its hosts? */
export function checkReach(service: VirtualServiceResource, index: ResourceIndex): Problem[] {
  const { gateways: names, exportTo } = service.spec;
  const { gatewayNamespace } = index.options;
  if (names.every((name) => name === 'mesh')) return [meshOnly(service)];
  const problems: Problem[] = [];
  if (!exportTo.includes('*') && !exportTo.includes(gatewayNamespace))
    problems.push(notExported(service, gatewayNamespace));
  const gateways: GatewayResource[] = [];
  let missing = false;
  for (const [position, name] of names.entries()) {
    if (name === 'mesh') continue;
    const gateway = index.gateway(name);
    if (gateway !== undefined) gateways.push(gateway);
    else problems.push(missingGateway(service, position, name, index));
    missing ||= gateway === undefined;
  }
  // With a Gateway unknown, so are its hosts.
  if (missing) return problems;
  return [...problems, ...checkHosts(service, gateways, index), ...checkGateways(service, index)];
}

function meshOnly(service: VirtualServiceResource): Problem {
  return problemAbout(
    service,
    ['spec', 'gateways'],
    {
      severity: 'info',
      code: 'MG0301',
      message:
        'It names no Gateway, so it is for sidecars in a mesh only and does not reach the edge. Name one in spec.gateways to serve it here.',
    },
    'key',
  );
}

function notExported(service: VirtualServiceResource, gatewayNamespace: string): Problem {
  return problemAbout(service, ['spec', 'exportTo'], {
    severity: 'warning',
    code: 'MG0305',
    message: `It is exported to ${service.spec.exportTo.join(', ')}, not to the gateway's namespace ${gatewayNamespace}, so it is not served. Add "${gatewayNamespace}" or "*".`,
  });
}

function missingGateway(
  service: VirtualServiceResource,
  position: number,
  name: string,
  index: ResourceIndex,
): Problem {
  return problemAbout(service, ['spec', 'gateways', position], {
    severity: 'warning',
    code: 'IST0101',
    message: `There is no Gateway ${name}: through it, nothing of this is served. Create it, or correct the name.${index.suggestGateway(name)}`,
  });
}

function checkHosts(
  service: VirtualServiceResource,
  gateways: readonly GatewayResource[],
  index: ResourceIndex,
): Problem[] {
  const { namespace, spec } = service;
  const problems: Problem[] = [];
  for (const [position, host] of spec.hosts.entries()) {
    if (gateways.some((gateway) => index.hostsOf(gateway).admits(host, namespace))) continue;
    const names = gateways.map((gateway) => `${gateway.namespace}/${gateway.name}`).join(', ');
    problems.push(
      problemAbout(service, ['spec', 'hosts', position], {
        severity: 'warning',
        code: 'IST0132',
        message: `No server of ${names} has the host ${host} for namespace ${namespace}: it is not served. Add it to a server's hosts, or correct it here.`,
      }),
    );
  }
  return problems;
}

/** Gateways that have none of the hosts, where another one has: nothing is served through them. */
function checkGateways(service: VirtualServiceResource, index: ResourceIndex): Problem[] {
  const { namespace, spec } = service;
  const idle = spec.gateways.map((name) => {
    const gateway = name === 'mesh' ? undefined : index.gateway(name);
    return gateway !== undefined && !spec.hosts.some((host) => index.hostsOf(gateway).admits(host, namespace));
  });
  const others = spec.gateways.filter((name, position) => name !== 'mesh' && !idle[position]);
  if (others.length === 0) return [];
  return spec.gateways.flatMap((name, position) =>
    idle[position]
      ? [
          problemAbout(service, ['spec', 'gateways', position], {
            severity: 'warning',
            code: 'IST0132',
            message: `No server of ${name} has any of the hosts ${spec.hosts.join(', ')} for namespace ${namespace}: nothing is served through it. Add one to its servers, or remove the name here.`,
          }),
        ]
      : [],
  );
}
