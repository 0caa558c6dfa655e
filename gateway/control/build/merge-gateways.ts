import type { Problem } from '../../snapshot/problem.ts';
import { carries } from '../resource/catalog/select.ts';
import type { GatewayHost, GatewayServer } from '../resource/istio/gateway.ts';
import type { FieldPath, GatewayResource } from '../resource/resource.ts';
import type { GatewayIdentity } from './build-input.ts';
import { type PortPlace, type PortSlot, PortSlots } from './port-slots.ts';
import { problemAt } from './problem-at.ts';

export type Protocol = 'HTTP' | 'HTTPS';

/** A server at its slot, with the hosts that are left to it. */
export type PlacedServer = {
  readonly gateway: GatewayResource;
  readonly server: GatewayServer;
  readonly slot: PortSlot;
  readonly hosts: readonly GatewayHost[];
};

/** All Gateways of this appliance as one: who got which port and which names. */
export type MergedGateways = {
  readonly placed: readonly PlacedServer[];
  /** Every slot of the settings and of the servers, with what it speaks. */
  readonly slots: ReadonlyMap<PortSlot, Protocol>;
  readonly problems: readonly Problem[];
};

/**
 * Merges the servers of all Gateways that select this appliance. `gateways` come oldest first, and who comes first
 * keeps a port's protocol and a TLS name; every server or name that loses raises a Problem.
 */
export function mergeGateways(gateways: readonly GatewayResource[], identity: GatewayIdentity): MergedGateways {
  const merge = new Merge(identity);
  for (const gateway of gateways) {
    if (!carries(identity.labels, gateway.spec.selector ?? {})) continue;
    for (const server of gateway.spec.servers) merge.add(gateway, server);
  }
  return merge.result();
}

class Merge {
  readonly #ports: PortSlots;
  readonly #protocols = new Map<PortSlot, { readonly protocol: Protocol; readonly from: string }>();
  readonly #tlsOwners = new Map<string, string>();
  readonly #placed: PlacedServer[] = [];
  readonly #problems: Problem[] = [];

  constructor(identity: GatewayIdentity) {
    this.#ports = new PortSlots(identity);
  }

  add(gateway: GatewayResource, server: GatewayServer): void {
    const place = this.#ports.place(server.port.number);
    this.#reportPlace(place, gateway, server);
    if (!('slot' in place) || !this.#claimProtocol(place.slot, gateway, server)) return;
    const hosts = server.port.protocol === 'HTTPS' ? this.#claimTlsHosts(place.slot, gateway, server) : server.hosts;
    if (hosts.length > 0) this.#placed.push({ gateway, server, slot: place.slot, hosts });
  }

  result(): MergedGateways {
    const slots = new Map<PortSlot, Protocol>();
    for (const slot of this.#ports.all()) {
      slots.set(slot, this.#protocols.get(slot)?.protocol ?? defaultProtocol(slot.gatewayPort));
    }
    return { placed: this.#placed, slots, problems: this.#problems };
  }

  #reportPlace(place: PortPlace, gateway: GatewayResource, server: GatewayServer): void {
    const { number } = server.port;
    const at = (finding: Parameters<typeof problemAt>[2]) =>
      this.#problems.push(problemAt(gateway, field(server, 'port', 'number'), finding));
    switch (place.kind) {
      case 'mapped':
        return;
      case 'unmapped':
        at({
          severity: 'warning',
          code: 'MG1101',
          message: `Gateway port ${number} has no node port in the settings, so it is served on node port ${place.slot.nodePorts.join(', ')}. To choose another, add "${number}: PORT" under ports: in gateway.yaml.`,
        });
        return;
      case 'privileged':
        at({
          severity: 'error',
          code: 'MG1101',
          message: `Gateway port ${number} has no node port in the settings and is not served. Add "${number}: ${30_000 + number}" (or another node port) under ports: in gateway.yaml, then restart.`,
        });
        return;
      case 'reserved':
        at({
          severity: 'error',
          code: 'MG1102',
          message: `Port ${number} belongs to ${place.purpose} of this appliance, so the server is not served. Add "${number}: PORT" with another node port under ports: in gateway.yaml, then restart.`,
        });
        return;
      default:
        unreachable(place);
    }
  }

  #claimProtocol(slot: PortSlot, gateway: GatewayResource, server: GatewayServer): boolean {
    const { protocol, number } = server.port;
    const owner = this.#protocols.get(slot);
    if (owner === undefined) this.#protocols.set(slot, { protocol, from: nameOf(gateway) });
    if (owner === undefined || owner.protocol === protocol) return true;
    this.#problems.push(
      problemAt(gateway, field(server, 'port', 'protocol'), {
        severity: 'error',
        code: 'IST0145',
        message: `Port ${number} already speaks ${owner.protocol} for Gateway ${owner.from}, so this ${protocol} server is not served. Give it another port, or the same protocol.`,
      }),
    );
    return false;
  }

  /** One certificate per name: a name that another server of the port already has stays there. */
  #claimTlsHosts(slot: PortSlot, gateway: GatewayResource, server: GatewayServer): GatewayHost[] {
    const claimant = `${nameOf(gateway)} server ${server.index}`;
    const free: GatewayHost[] = [];
    for (const [index, entry] of server.hosts.entries()) {
      const name = `${slot.nodePorts[0]} ${entry.host}`;
      const owner = this.#tlsOwners.get(name) ?? claimant;
      this.#tlsOwners.set(name, owner);
      if (owner === claimant) free.push(entry);
      else this.#problems.push(duplicateHost(gateway, server, index, owner));
    }
    return free;
  }
}

function duplicateHost(gateway: GatewayResource, server: GatewayServer, index: number, owner: string): Problem {
  return problemAt(gateway, field(server, 'hosts', index), {
    severity: 'error',
    code: 'IST0145',
    message: `The TLS host ${server.hosts[index]?.host} on port ${server.port.number} already belongs to Gateway ${owner}, which keeps it; this server does not serve it. Name each TLS host of a port in one server only.`,
  });
}

function defaultProtocol(gatewayPort: number): Protocol {
  return gatewayPort === 443 || gatewayPort === 8443 ? 'HTTPS' : 'HTTP';
}

function field(server: GatewayServer, ...rest: FieldPath): FieldPath {
  return ['spec', 'servers', server.index, ...rest];
}

function nameOf(gateway: GatewayResource): string {
  return `${gateway.namespace}/${gateway.name}`;
}

function unreachable(place: never): never {
  throw new TypeError(`unknown place: ${JSON.stringify(place)}`);
}
