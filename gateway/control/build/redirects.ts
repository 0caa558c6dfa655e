import type { HttpsRedirect } from '../../snapshot/route.ts';
import type { MergedGateways, PlacedServer } from './merge-gateways.ts';
import type { PortSlot } from './port-slots.ts';

/**
 * Where `httpsRedirect` of a plain server leads: each node port to the one at the same place of its HTTPS pair (80 of
 * [80, 31380] to 443 of [443, 31390]), or to the pair's first. Undefined when nothing speaks HTTPS.
 */
export function httpsRedirect(plain: PlacedServer, merged: MergedGateways): HttpsRedirect | undefined {
  const pair = httpsPair(plain, merged);
  if (pair === undefined) return undefined;
  const fallback = pair.nodePorts[0] ?? pair.gatewayPort;
  const ports = plain.slot.nodePorts.map((port, index) => [String(port), pair.nodePorts[index] ?? fallback] as const);
  return { ports: Object.fromEntries(ports) };
}

/** The Gateway's own HTTPS server tells best; else the slot of 443, else the first that speaks HTTPS. */
function httpsPair({ gateway }: PlacedServer, { placed, slots }: MergedGateways): PortSlot | undefined {
  const secure = [...slots].filter(([, protocol]) => protocol === 'HTTPS').map(([slot]) => slot);
  const own = placed.filter((one) => one.gateway === gateway && one.server.port.protocol === 'HTTPS');
  return first443(own.map(({ slot }) => slot)) ?? first443(secure);
}

function first443(slots: readonly PortSlot[]): PortSlot | undefined {
  return slots.find(({ gatewayPort }) => gatewayPort === 443) ?? slots[0];
}
