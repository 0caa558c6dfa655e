/**
 * Refuses destinations that configuration must not reach (a ServiceEntry or Endpoints object is written by people
 * who may not be this node's administrators): this appliance's own ports, link-local addresses (cloud metadata),
 * and loopback unless the settings allow it. Also asked for every address that a DNS name resolves to.
 */
import { BlockList, isIP, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { DestinationRules } from '../types.ts';

/** Interfaces come and go (VRRP): the list is at most this old. */
const ADDRESSES_MAX_AGE_MS = 10_000;

export class DestinationGuard {
  readonly #rules: DestinationRules;
  readonly #localAddresses: () => readonly string[];
  readonly #linkLocal = new BlockList();
  readonly #loopback = new BlockList();

  /** `localAddresses` is for tests; by default the node's interfaces. */
  constructor(rules: DestinationRules, localAddresses: () => readonly string[] = interfaceAddresses()) {
    this.#rules = rules;
    this.#localAddresses = localAddresses;
    this.#linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
    this.#linkLocal.addSubnet('fe80::', 10, 'ipv6');
    this.#loopback.addSubnet('127.0.0.0', 8, 'ipv4');
    // "This host" (RFC 1122 §3.2.1.3): the kernel connects to itself.
    this.#loopback.addSubnet('0.0.0.0', 8, 'ipv4');
    this.#loopback.addAddress('::1', 'ipv6');
    this.#loopback.addAddress('::', 'ipv6');
  }

  /** Why nothing may be sent there, or undefined. `address` is an IP address. */
  refusal(address: string, port: number): string | undefined {
    const plain = unmapped(address);
    const family = isIPv4(plain) ? 'ipv4' : 'ipv6';
    if (isIP(plain) === 0) return 'not an address';
    if (this.#linkLocal.check(plain, family)) return 'link-local address';
    const isLoopback = this.#loopback.check(plain, family);
    if (this.#rules.ownPorts.includes(port) && (isLoopback || this.#isOwn(plain))) return 'own port of this gateway';
    if (isLoopback && !this.#rules.allowLoopback) return 'loopback address';
    return undefined;
  }

  #isOwn(address: string): boolean {
    return this.#localAddresses().includes(address);
  }
}

/** Any spelling of an IPv4-mapped IPv6 address (`::ffff:7f00:1`) as IPv4; other IPv6 in the URL standard's one spelling. */
function unmapped(address: string): string {
  if (!address.includes(':')) return address;
  const zone = address.indexOf('%');
  const bare = zone === -1 ? address : address.slice(0, zone);
  if (isIP(bare) !== 6) return bare;
  const canonical = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (mapped === null) return canonical;
  const high = Number.parseInt(mapped[1] ?? '0', 16);
  const low = Number.parseInt(mapped[2] ?? '0', 16);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

function interfaceAddresses(): () => readonly string[] {
  let list: readonly string[] = [];
  let readAt = -Infinity;
  return () => {
    if (performance.now() - readAt > ADDRESSES_MAX_AGE_MS) {
      readAt = performance.now();
      list = Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map((entry) => entry.address));
    }
    return list;
  };
}
