import type { ServiceEntryResource, ServiceResource } from './resource.ts';

/** Where Istio lets a Service, which has no `exportTo`, be hidden from other namespaces. */
const EXPORT_ANNOTATION = 'networking.istio.io/exportTo';

/** True when an object with this `exportTo` may be used by the gateway. */
export function isExportedTo(exportTo: readonly string[], gatewayNamespace: string): boolean {
  return exportTo.includes('*') || exportTo.includes(gatewayNamespace);
}

/** True when a destination may name it at this gateway. */
export function isVisible(resource: ServiceResource | ServiceEntryResource, gatewayNamespace: string): boolean {
  return isExportedTo(exportOf(resource), gatewayNamespace);
}

/** Namespaces that may use it: names, or `*`. `~`, nobody, is a name that no namespace has. */
export function exportOf(resource: ServiceResource | ServiceEntryResource): readonly string[] {
  if (resource.kind === 'ServiceEntry') return resource.spec.exportTo;
  const written = resource.annotations[EXPORT_ANNOTATION]?.split(',').map((one) => one.trim()) ?? [];
  const names = written.filter((one) => one !== '').map((one) => (one === '.' ? resource.namespace : one));
  return names.length === 0 ? ['*'] : names;
}
