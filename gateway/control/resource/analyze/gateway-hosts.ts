import { hostsOverlap } from '../host-names.ts';
import type { GatewayResource } from '../resource.ts';

/** The host patterns of a Gateway's servers, findable by host: a server may list thousands. */
export class GatewayHosts {
  readonly #namespaces = new Map<string, Set<string>>();

  constructor(gateway: GatewayResource) {
    for (const { hosts } of [...gateway.spec.servers, ...gateway.spec.unserved])
      for (const { host, namespace } of hosts) {
        const known = this.#namespaces.get(host);
        if (known === undefined) this.#namespaces.set(host, new Set([namespace]));
        else known.add(namespace);
      }
  }

  /** True when some name of `host` (exact or wildcard) is open to VirtualServices of the namespace. */
  admits(host: string, namespace: string): boolean {
    if (this.#open(host, namespace) || this.#open('*', namespace)) return true;
    if (!host.startsWith('*')) return wildcardsOver(host).some((pattern) => this.#open(pattern, namespace));
    for (const pattern of this.#namespaces.keys())
      if (hostsOverlap(host, pattern) && this.#open(pattern, namespace)) return true;
    return false;
  }

  #open(pattern: string, namespace: string): boolean {
    const namespaces = this.#namespaces.get(pattern);
    return namespaces !== undefined && (namespaces.has('*') || namespaces.has(namespace));
  }
}

/** `*.b.c`, `*.c`, `*` for `a.b.c`. */
function wildcardsOver(host: string): readonly string[] {
  const patterns: string[] = [];
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) patterns.push(`*${host.slice(dot)}`);
  return [...patterns, '*'];
}
