import { listOf } from '../reader/collections.ts';
import { type Reader, refine, required } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { plainText, text } from '../reader/scalars.ts';
import type { HttpRouteSpec, KubernetesGatewaySpec, ParentRef } from './routes.ts';

const GROUP = 'gateway.networking.k8s.io';

const parentRef: Reader<ParentRef> = refine(
  record(
    { group: text, kind: plainText, namespace: plainText, name: required(plainText, 'write the name of the Gateway') },
    { others: 'ignore' },
  ),
  ({ group = GROUP, kind = 'Gateway', namespace, name }, at) =>
    name === undefined ? undefined : { group, kind, namespace: namespace ?? at.context.object.namespace, name },
);

const routeFields = record({ parentRefs: listOf(parentRef) }, { others: 'ignore' });

/** `spec` of an HTTPRoute. */
export const readHttpRoute: Reader<HttpRouteSpec> = (at) => ({ parents: routeFields(at)?.parentRefs ?? [] });

const gatewayFields = record(
  { gatewayClassName: required(plainText, 'write the class, as gatewayClassName: istio') },
  { others: 'ignore' },
);

/** `spec` of a Gateway of the Gateway API. */
export const readKubernetesGateway: Reader<KubernetesGatewaySpec> = refine(
  gatewayFields,
  ({ gatewayClassName: className }) => (className === undefined ? undefined : { className }),
);
