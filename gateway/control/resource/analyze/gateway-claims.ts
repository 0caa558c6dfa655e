import type { Problem } from '../../../snapshot/problem.ts';
import type { GatewayServer } from '../istio/gateway.ts';
import type { FieldPath, GatewayResource } from '../resource.ts';
import { problemAbout } from './finding.ts';
import type { AnalyzeOptions } from './options.ts';

type HostClaim = { readonly gateway: GatewayResource; readonly server: number };
type PortClaim = { readonly gateway: GatewayResource; readonly protocol: string };

/**
 * True when one appliance may serve both Gateways. Where its labels are known, others were left out before; else one
 * selector must hold the other, as that of a narrower choice among the same appliances does.
 */
export function mayShare(a: GatewayResource, b: GatewayResource, { gatewayLabels }: AnalyzeOptions): boolean {
  return gatewayLabels !== undefined || holds(a, b) || holds(b, a);
}

function holds(
  { spec: { selector: wide = {} } }: GatewayResource,
  { spec: { selector: narrow = {} } }: GatewayResource,
) {
  return Object.entries(wide).every(([name, value]) => narrow[name] === value);
}

/** Who was first to name a host on a port, and which protocol a port speaks. */
export class Claims {
  readonly #options: AnalyzeOptions;
  readonly #hosts = new Map<string, HostClaim[]>();
  readonly #protocols = new Map<number, PortClaim[]>();

  constructor(options: AnalyzeOptions) {
    this.#options = options;
  }

  claim(gateway: GatewayResource, server: GatewayServer): Problem[] {
    const { number, protocol } = server.port;
    const port = this.#first(this.#protocols, number, { protocol, gateway });
    if (port.protocol !== protocol)
      return [
        conflict(
          gateway,
          serverPath(server, 'port', 'protocol'),
          `Port ${number} already speaks ${port.protocol} for Gateway ${nameOf(port.gateway)}; this ${protocol} server is not served. Use another port, or the same protocol.`,
        ),
      ];
    return server.hosts.flatMap((entry, position) => {
      // Plain HTTP routes of several Gateways are joined, unless they mean the same namespaces.
      const key = protocol === 'HTTPS' ? `${number} ${entry.host}` : `${number} ${entry.host} ${entry.namespace}`;
      const owner = this.#first(this.#hosts, key, { gateway, server: server.index });
      if (owner.gateway === gateway && owner.server === server.index) return [];
      // One object that is defined twice is told as that.
      if (owner.gateway !== gateway && nameOf(owner.gateway) === nameOf(gateway)) return [];
      if (protocol === 'HTTP' && owner.gateway === gateway) return [];
      const effect =
        protocol === 'HTTPS'
          ? 'which keeps it: this server does not serve it'
          : 'so the routes of both are joined, the older object first';
      return [
        conflict(
          gateway,
          serverPath(server, 'hosts', position),
          `Host ${entry.host} on port ${number} is already served by Gateway ${nameOf(owner.gateway)}, ${effect}. Let one server have it.`,
        ),
      ];
    });
  }

  /** The first claim of a Gateway that is for the same appliances: this one, if there is none. */
  #first<K, C extends { readonly gateway: GatewayResource }>(claims: Map<K, C[]>, key: K, own: C): C {
    const known = claims.get(key) ?? [];
    const first = known.find(({ gateway }) => mayShare(gateway, own.gateway, this.#options));
    if (first === undefined) claims.set(key, [...known, own]);
    return first ?? own;
  }
}

function conflict(gateway: GatewayResource, path: FieldPath, message: string): Problem {
  return problemAbout(gateway, path, { severity: 'warning', code: 'IST0145', message });
}

/** The path of a field of a server. */
export function serverPath(server: GatewayServer, ...rest: FieldPath): FieldPath {
  return ['spec', 'servers', server.index, ...rest];
}

/** `namespace/name`. */
export function nameOf(gateway: GatewayResource): string {
  return `${gateway.namespace}/${gateway.name}`;
}
