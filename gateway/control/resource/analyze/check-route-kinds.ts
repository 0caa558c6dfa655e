import type { Problem } from '../../../snapshot/problem.ts';
import type { HttpRouteResource, IngressResource, KubernetesGatewayResource } from '../resource.ts';
import { problemAbout } from './finding.ts';
import type { ResourceIndex } from './resource-index.ts';

/** Classes by which routes are handed to Istio's gateway, whose place this one takes, or to this one by name. */
const OWN_CLASSES: ReadonlySet<string> = new Set(['istio', 'mesh-gateway']);

const INSTEAD = 'Write it as Gateway and VirtualService of networking.istio.io.';

/** A Gateway of the Gateway API: is it ours? */
export function checkKubernetesGateway(gateway: KubernetesGatewayResource): Problem[] {
  const { className } = gateway.spec;
  if (!OWN_CLASSES.has(className)) return [foreign(gateway, ['spec', 'gatewayClassName'], `its class is ${className}`)];
  const message = `Gateways of the Gateway API are not served yet. ${INSTEAD}`;
  return [problemAbout(gateway, ['spec', 'gatewayClassName'], { severity: 'error', code: 'MG0405', message })];
}

/** An HTTPRoute: does it hang on a Gateway of ours? */
export function checkHttpRoute(route: HttpRouteResource, index: ResourceIndex): Problem[] {
  const parents = route.spec.parents.map((parent, position) => ({ ...parent, position }));
  const gateways = parents.filter(({ kind }) => kind === 'Gateway');
  const classes = gateways.map(({ namespace, name }) => index.kubernetesGateway(`${namespace}/${name}`));
  const position = classes.findIndex((gateway) => gateway !== undefined && OWN_CLASSES.has(gateway.spec.className));
  const own = gateways[position];
  if (own !== undefined) {
    const message = `It hangs on Gateway ${own.namespace}/${own.name}, and HTTPRoutes are not served yet. ${INSTEAD}`;
    return [
      problemAbout(route, ['spec', 'parentRefs', own.position], { severity: 'error', code: 'MG0405', message }, 'key'),
    ];
  }
  const unknown = gateways[classes.indexOf(undefined)];
  if (unknown === undefined) return [foreign(route, ['spec', 'parentRefs'], 'it hangs on nothing of this gateway')];
  const message = `There is no Gateway ${unknown.namespace}/${unknown.name} of the Gateway API here, so nobody can tell whose this is. HTTPRoutes are not served yet. ${INSTEAD}`;
  return [
    problemAbout(
      route,
      ['spec', 'parentRefs', unknown.position],
      { severity: 'warning', code: 'MG0405', message },
      'key',
    ),
  ];
}

/** An Ingress: is its class ours? */
export function checkIngress(ingress: IngressResource): Problem[] {
  const annotated = ingress.annotations['kubernetes.io/ingress.class'];
  const className = annotated ?? ingress.spec.className;
  const field =
    annotated === undefined
      ? (['spec', 'ingressClassName'] as const)
      : (['metadata', 'annotations', 'kubernetes.io/ingress.class'] as const);
  if (className === undefined) return [foreign(ingress, field, "it names no class, so it is the cluster's default's")];
  if (!OWN_CLASSES.has(className)) return [foreign(ingress, field, `its class is ${className}`)];
  const message = `Its class ${className} hands it to this gateway, and Ingress is not served yet. ${INSTEAD}`;
  return [problemAbout(ingress, field, { severity: 'error', code: 'MG0405', message })];
}

function foreign(
  resource: HttpRouteResource | IngressResource | KubernetesGatewayResource,
  field: readonly string[],
  why: string,
): Problem {
  const message = `It does not concern this gateway: ${why}.`;
  return problemAbout(resource, field, { severity: 'info', code: 'MG0404', message }, 'key');
}
