import { isIPv6 } from 'node:net';

/** The authority of a request, split: what routing compares with. */
export type Host = {
  /** Lower case, without port and without one trailing dot; IPv6 in brackets. */
  readonly host: string;
  /** -1 when none (or an empty one) was given. */
  readonly port: number;
};

const OTHER = 0;
const PLAIN = 1;
const UPPER = 2;

/** What a name may hold here: RFC 3986 `unreserved`. Percent-encoding and sub-delims never name a DNS host. */
const NAME_BYTE = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[A-Z]/.test(character)) return UPPER;
  return /[a-z0-9._~-]/.test(character) ? PLAIN : OTHER;
});

const DOT = 0x2e;
const COLON = 0x3a;
/** A DNS name has 253 characters at most (RFC 1035 §2.3.4). */
const MAX_NAME = 253;

let lastValue = '';
let lastHost: Host | undefined;

/**
 * Parses a Host field or the authority of a request target; undefined when it is not `uri-host [":" port]` (RFC 9110 §7.2):
 * empty, with userinfo, an empty label, a port that is no port, brackets without an IPv6 address. The last answer is kept,
 * since neighbouring requests ask for the same host.
 */
export function parseHost(value: string): Host | undefined {
  if (value === lastValue) return lastHost;
  lastHost = value.charCodeAt(0) === 0x5b ? parseBracketed(value) : parseName(value);
  lastValue = value;
  return lastHost;
}

function parseName(value: string): Host | undefined {
  let seen = OTHER;
  let end = 0;
  let previous = DOT;
  for (; end < value.length; end++) {
    const code = value.charCodeAt(end);
    const kind = code < 128 ? (NAME_BYTE[code] as number) : OTHER;
    if (kind === OTHER) break;
    if (code === DOT && previous === DOT) return undefined;
    seen |= kind;
    previous = code;
  }
  const port = parsePort(value, end);
  const nameEnd = previous === DOT ? end - 1 : end;
  if (port === undefined || nameEnd <= 0 || nameEnd > MAX_NAME) return undefined;
  const name = nameEnd === value.length ? value : value.slice(0, nameEnd);
  return { host: (seen & UPPER) === 0 ? name : name.toLowerCase(), port };
}

function parseBracketed(value: string): Host | undefined {
  const end = value.indexOf(']');
  if (end === -1) return undefined;
  const address = value.slice(1, end);
  // Zone identifiers mean something on one machine only (RFC 6874), and isIPv6 would take them.
  if (address.includes('%') || !isIPv6(address)) return undefined;
  const port = parsePort(value, end + 1);
  return port === undefined ? undefined : { host: `[${address.toLowerCase()}]`, port };
}

/** What follows the host: nothing, or `:` and a port from 1 to 65535 (or none, RFC 3986 §3.2.3). */
function parsePort(value: string, from: number): number | undefined {
  if (from === value.length) return -1;
  if (value.charCodeAt(from) !== COLON || value.length - from > 6) return undefined;
  if (from + 1 === value.length) return -1;
  let port = 0;
  for (let i = from + 1; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    port = port * 10 + digit;
  }
  return port >= 1 && port <= 65_535 ? port : undefined;
}
