import type { ResourceKey, ResourceKind } from '../../resource/resource.ts';

/**
 * Where requests can go, which changes all the time: no error of another object depends on it, only warnings, and the
 * waiting for endpoints. A check that makes an error of it would have to take its kind out of here.
 */
const ENDPOINTS: ReadonlySet<string> = new Set<ResourceKind>(['Pod', 'Endpoints', 'EndpointSlice', 'WorkloadEntry']);

/** What other objects lean on: their changes can give another object an error. Nobody leans on a VirtualService. */
const LEANED_ON: ReadonlySet<string> = new Set<ResourceKind>([
  'Gateway',
  'DestinationRule',
  'ServiceEntry',
  'Service',
  'Secret',
]);

/** What decides which endpoints are behind a cluster, without being endpoints. */
const SELECTING: ReadonlySet<string> = new Set<ResourceKind>(['DestinationRule', 'ServiceEntry', 'Service']);

/** True for endpoints: they cure nobody's error. */
export function isEndpoints(key: ResourceKey): boolean {
  return ENDPOINTS.has(kindOf(key));
}

/** True when a change of the object can give another one an error. */
export function isLeanedOn(key: ResourceKey): boolean {
  return LEANED_ON.has(kindOf(key));
}

/** True when a change of the object can leave a cluster without endpoints. */
export function isSelecting(key: ResourceKey): boolean {
  return SELECTING.has(kindOf(key));
}

export function isGateway(key: ResourceKey): boolean {
  return kindOf(key) === 'Gateway';
}

export function isVirtualService(key: ResourceKey): boolean {
  return kindOf(key) === 'VirtualService';
}

function kindOf(key: ResourceKey): string {
  return key.slice(0, key.indexOf('/'));
}
