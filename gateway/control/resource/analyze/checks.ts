import type { Problem } from '../../../snapshot/problem.ts';
import type { Resource, ResourceKind, ResourceOf } from '../resource.ts';
import { checkAnnotations } from './check-annotations.ts';
import { checkDestinations } from './check-destinations.ts';
import { checkGateway, checkGatewayClaims, checkSharedCertificates } from './check-gateways.ts';
import { checkLocality } from './check-locality.ts';
import { checkMeshRules } from './check-mesh-rules.ts';
import { checkNodePorts } from './check-node-ports.ts';
import { checkAccepted, checkPolicy } from './check-policies.ts';
import { checkReach } from './check-reach.ts';
import { checkHttpRoute, checkIngress, checkKubernetesGateway } from './check-route-kinds.ts';
import { checkRuleOrder } from './check-rule-order.ts';
import { checkServiceEntry } from './check-service-entries.ts';
import { checkRuleHost, checkRuleWorkloads, checkSubsets } from './check-subsets.ts';
import { checkUnread } from './check-unread.ts';
import type { ResourceIndex } from './resource-index.ts';

/**
 * Looks at one object among the others: pure, no clock, no state. What it asks the index is noted; it runs again when
 * the object or an answer has changed, and only then.
 */
type Check<K extends ResourceKind> = (resource: ResourceOf<K>, index: ResourceIndex) => readonly Problem[];

/** The checks of each kind of object, in the order in which people read what they find. */
const CHECKS: { readonly [K in ResourceKind]?: readonly Check<K>[] } = {
  Gateway: [checkGateway],
  VirtualService: [checkAnnotations, checkReach, checkRuleOrder, checkDestinations, checkMeshRules],
  DestinationRule: [checkAnnotations, checkRuleHost, checkRuleWorkloads, checkSubsets, checkLocality],
  ServiceEntry: [checkAnnotations, checkServiceEntry],
  Service: [checkAnnotations, checkNodePorts],
  AuthorizationPolicy: [checkAnnotations, checkPolicy],
  RequestAuthentication: [checkPolicy],
  EnvoyFilter: [checkPolicy],
  WasmPlugin: [checkPolicy],
  TrafficExtension: [checkPolicy],
  Telemetry: [checkPolicy],
  KubernetesGateway: [checkKubernetesGateway],
  HTTPRoute: [checkHttpRoute],
  Ingress: [checkIngress],
};

/** Looks at all objects of a kind that there are few of (Gateways): costs all of them whenever one changes. */
type CheckTogether = (index: ResourceIndex) => readonly Problem[];

/** By name. */
export const CHECKS_TOGETHER: Readonly<Record<string, CheckTogether>> = {
  'gateway claims': checkGatewayClaims,
  'shared certificates': checkSharedCertificates,
  'accepted policies': checkAccepted,
  'unread policies': checkUnread,
};

/** True when objects of this kind are looked at. */
export function isChecked(kind: ResourceKind): boolean {
  return CHECKS[kind] !== undefined;
}

/** Everything that is found about one object among the others. */
export function checkResource(resource: Resource, index: ResourceIndex): readonly Problem[] {
  // The table's type says that the checks of a kind take its objects.
  const checks = (CHECKS[resource.kind] ?? []) as readonly Check<typeof resource.kind>[];
  return checks.flatMap((check) => check(resource as never, index));
}
