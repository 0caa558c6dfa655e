import type { GatewayIdentity } from './build-input.ts';

/** Node ports that one listener binds; Gateway ports with the same node ports share it. */
export type PortSlot = {
  /** The first Gateway port that leads here; what `match.port` and a port-less destination mean. */
  readonly gatewayPort: number;
  readonly nodePorts: readonly number[];
};

/** Where a Gateway port leads: to a slot (perhaps with a warning), or nowhere. */
export type PortPlace =
  | { readonly kind: 'mapped'; readonly slot: PortSlot }
  | { readonly kind: 'unmapped'; readonly slot: PortSlot }
  | { readonly kind: 'privileged' }
  | { readonly kind: 'reserved'; readonly purpose: string };

const FIRST_UNPRIVILEGED_PORT = 1024;

/** Hands out slots for Gateway ports: those of the settings, and for other ports the node port of the same number. */
export class PortSlots {
  readonly #byGatewayPort = new Map<number, PortSlot>();
  readonly #byNodePort = new Map<number, PortSlot>();
  readonly #unmapped = new Set<number>();
  readonly #reserved: ReadonlyMap<number, string>;

  constructor({ ports, reservedPorts = [] }: GatewayIdentity) {
    this.#reserved = new Map(reservedPorts.map(({ port, purpose }) => [port, purpose]));
    for (const { gatewayPort, nodePorts } of ports) {
      const shared = nodePorts[0] === undefined ? undefined : this.#byNodePort.get(nodePorts[0]);
      const slot = shared ?? { gatewayPort, nodePorts };
      this.#byGatewayPort.set(gatewayPort, slot);
      for (const port of nodePorts) this.#byNodePort.set(port, slot);
    }
  }

  /** Slots so far: the settings' first, then those that `place` made. */
  all(): ReadonlySet<PortSlot> {
    return new Set(this.#byGatewayPort.values());
  }

  place(gatewayPort: number): PortPlace {
    const slot = this.#byGatewayPort.get(gatewayPort);
    if (slot !== undefined) return { kind: this.#unmapped.has(gatewayPort) ? 'unmapped' : 'mapped', slot };
    return this.#placeUnmapped(gatewayPort);
  }

  #placeUnmapped(gatewayPort: number): PortPlace {
    const purpose = this.#reserved.get(gatewayPort);
    if (purpose !== undefined) return { kind: 'reserved', purpose };
    if (gatewayPort < FIRST_UNPRIVILEGED_PORT) return { kind: 'privileged' };
    const slot = this.#byNodePort.get(gatewayPort) ?? { gatewayPort, nodePorts: [gatewayPort] };
    this.#byGatewayPort.set(gatewayPort, slot);
    this.#byNodePort.set(gatewayPort, slot);
    this.#unmapped.add(gatewayPort);
    return { kind: 'unmapped', slot };
  }
}
