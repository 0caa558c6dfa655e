/** Suffix of every Kubernetes service host. */
export const CLUSTER_DOMAIN = 'svc.cluster.local';

/**
 * The full host of a destination: a name without a dot is a service of the rule's own namespace
 * (Istio's ResolveShortnameToFQDN); any other name is taken as it is. Lower case.
 */
export function resolveHost(host: string, namespace: string): string {
  const name = host.toLowerCase();
  if (name === '' || name === '*' || name.includes('.') || name.includes(':')) return name;
  return serviceHost(name, namespace);
}

/** The full host of a Kubernetes Service. */
export function serviceHost(name: string, namespace: string): string {
  return `${name}.${namespace}.${CLUSTER_DOMAIN}`;
}

/**
 * Resolves a name of `VirtualService.spec.gateways[]` to `namespace/name`, or to `mesh` (all sidecars, no edge).
 * Short names and `./name` mean the VirtualService's namespace; `name.ns.svc.cluster.local` is the legacy form.
 */
export function resolveGatewayName(written: string, namespace: string): string {
  if (written === 'mesh') return written;
  if (written.startsWith('./')) return `${namespace}/${written.slice(2)}`;
  if (written.includes('/')) return written;
  const [name, gatewayNamespace] = written.split('.');
  return `${gatewayNamespace ?? namespace}/${name ?? written}`;
}

/** True when `host` (exact or itself a wildcard) lies inside `pattern`: `*` holds all, `*.x` every name below `x`. */
export function hostWithin(host: string, pattern: string): boolean {
  if (pattern === '*' || host === pattern) return true;
  if (!pattern.startsWith('*')) return false;
  const suffix = pattern.slice(1);
  return host.startsWith('*') ? host.slice(1).endsWith(suffix) : host.length > suffix.length && host.endsWith(suffix);
}

/** True when some name lies inside both patterns. */
export function hostsOverlap(a: string, b: string): boolean {
  return hostWithin(a, b) || hostWithin(b, a);
}
