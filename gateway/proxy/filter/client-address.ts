/**
 * Whose request it is: the peer, or, behind trusted proxies, the address they vouch for.
 * Addresses are normalised here once, so that logs, limits and headers agree.
 */
import { isIP, isIPv4, type Socket } from 'node:net';

/** `::ffff:a.b.c.d`, which dual-stack sockets report for IPv4 clients, becomes `a.b.c.d`; zone ids are dropped. */
export function plainAddress(address: string): string {
  if (address.startsWith('::ffff:')) {
    const mapped = address.slice(7);
    if (isIPv4(mapped)) return mapped;
  }
  const zone = address.indexOf('%');
  return zone === -1 ? address : address.slice(0, zone);
}

/**
 * Istio's `numTrustedProxies`: the Nth address from the right of X-Forwarded-For as it came in; the peer when there
 * are fewer, or when what stands there is no address.
 */
export function clientAddress(peer: string, forwardedFor: string, trustedProxies: number): string {
  if (trustedProxies === 0 || forwardedFor === '') return peer;
  const hops = forwardedFor.split(',');
  const claimed = hops[hops.length - trustedProxies]?.trim() ?? '';
  return isIP(claimed) === 0 ? peer : plainAddress(claimed);
}

/** What connections are counted by: the address, for IPv6 the /64 that one client usually owns whole. */
export function clientKey(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const right = tail === '' ? [] : tail.split(':');
    while (left.length + right.length < 8) left.push('0');
    left.push(...right);
  }
  return `${left.slice(0, 4).join(':')}::/64`;
}

/** The client's end of an admitted socket, which remembers it even when the client is gone. */
export function peerOf(socket: Socket): { readonly address: string; readonly port: number } {
  return { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
}

/** `address:port`, IPv6 in brackets. */
export function addressPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
