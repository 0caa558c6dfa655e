import { isIPv6 } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';

/** Every name and address under which a browser may reach this node: localhost, loopback, host name, addresses. */
export function nodeNames(): string[] {
  return [...new Set(['localhost', '127.0.0.1', '::1', ...hostNames(), ...nodeAddresses()])];
}

/** The node's own addresses, IPv4 first; link-local ones are left out (they mean nothing without an interface). */
export function nodeAddresses(): string[] {
  const all = interfaces().flatMap((list) => list ?? []);
  const outer = all.filter((entry) => !entry.internal && !entry.address.startsWith('fe80:'));
  return outer.map((entry) => entry.address).sort((a, b) => Number(isIPv6(a)) - Number(isIPv6(b)));
}

/** The address as it stands in a URL. */
export function inUrl(address: string): string {
  return isIPv6(address) ? `[${address}]` : address;
}

function hostNames(): string[] {
  const name = hostname().toLowerCase();
  return /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name) ? [name] : [];
}

/** Throws where the kernel's interface list is out of reach (a sandbox without AF_NETLINK). */
function interfaces(): ReturnType<typeof networkInterfaces>[string][] {
  try {
    return Object.values(networkInterfaces());
  } catch {
    return [];
  }
}
