import type { Problem } from '../../../snapshot/problem.ts';
import type { FieldPath, ServiceResource } from '../resource.ts';
import { problemAbout } from './finding.ts';
import type { ResourceIndex } from './resource-index.ts';

/** Ports of the node that kube-proxy takes for a Service, and that this gateway listens on. */
export function checkNodePorts(service: ServiceResource, index: ResourceIndex): Problem[] {
  return takenBy(service).flatMap(({ nodePort, path }) => {
    const listener = index.options.nodePorts?.find((one) => one.port === nodePort);
    return listener === undefined ? [] : [clash(service, path, listener, index)];
  });
}

type Taken = { readonly nodePort: number; readonly path: FieldPath };

/** UDP of the same number is another port. */
function takenBy({ spec }: ServiceResource): Taken[] {
  const taken = spec.ports.flatMap(({ nodePort, protocol }, position) =>
    nodePort === undefined || protocol !== 'TCP' ? [] : [{ nodePort, path: ['spec', 'ports', position, 'nodePort'] }],
  );
  const { healthCheckNodePort: nodePort } = spec;
  return nodePort === undefined ? taken : [...taken, { nodePort, path: ['spec', 'healthCheckNodePort'] }];
}

function clash(
  service: ServiceResource,
  path: FieldPath,
  { port, purpose }: { readonly port: number; readonly purpose: string },
  { options }: ResourceIndex,
): Problem {
  const { namespace, name } = service;
  return problemAbout(service, path, {
    severity: options.scope === 'whole' ? 'error' : 'warning',
    code: 'MG0307',
    message: `Node port ${port} is ${purpose} of this gateway. On a node with kube-proxy, packets to it reach this Service and never the gateway. Give the Service another nodePort, delete it if the gateway takes its place (kubectl -n ${namespace} delete service ${name}), or choose another port in gateway.yaml.`,
  });
}
