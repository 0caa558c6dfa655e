/**
 * The header names that the engine cares about, as small numbers: recognised from bytes once, compared as integers ever after.
 * `other` is every name that is not listed.
 */
export const HeaderId = {
  other: 0,
  host: 1,
  connection: 2,
  contentLength: 3,
  transferEncoding: 4,
  te: 5,
  trailer: 6,
  upgrade: 7,
  keepAlive: 8,
  proxyConnection: 9,
  proxyAuthenticate: 10,
  proxyAuthorization: 11,
  expect: 12,
  via: 13,
  xForwardedFor: 14,
  xForwardedProto: 15,
  xForwardedHost: 16,
  xForwardedPort: 17,
  xForwardedClientCert: 18,
  forwarded: 19,
  xRealIp: 20,
  xRequestId: 21,
  /** Every name that starts with `x-envoy-`, except the ones below. */
  xEnvoy: 22,
  xEnvoyUpstreamServiceTime: 23,
  xEnvoyExternalAddress: 24,
  authorization: 25,
  cookie: 26,
  setCookie: 27,
  userAgent: 28,
  referer: 29,
  contentType: 30,
  contentEncoding: 31,
  contentRange: 32,
  contentLocation: 33,
  date: 34,
  server: 35,
  location: 36,
  http2Settings: 37,
  cacheControl: 38,
  maxForwards: 39,
  range: 40,
  ifMatch: 41,
  ifNoneMatch: 42,
  ifModifiedSince: 43,
  ifUnmodifiedSince: 44,
  ifRange: 45,
  origin: 46,
  xForwardedOther: 47,
  wwwAuthenticate: 48,
  age: 49,
  expires: 50,
  pragma: 51,
  retryAfter: 52,
  vary: 53,
  warning: 54,
  authenticationInfo: 55,
  proxyAuthenticationInfo: 56,
  xOriginalForwardedFor: 57,
} as const;

export type HeaderId = (typeof HeaderId)[keyof typeof HeaderId];

const NAMES: Readonly<Record<string, HeaderId>> = {
  host: HeaderId.host,
  connection: HeaderId.connection,
  'content-length': HeaderId.contentLength,
  'transfer-encoding': HeaderId.transferEncoding,
  te: HeaderId.te,
  trailer: HeaderId.trailer,
  upgrade: HeaderId.upgrade,
  'keep-alive': HeaderId.keepAlive,
  'proxy-connection': HeaderId.proxyConnection,
  'proxy-authenticate': HeaderId.proxyAuthenticate,
  'proxy-authorization': HeaderId.proxyAuthorization,
  expect: HeaderId.expect,
  via: HeaderId.via,
  'x-forwarded-for': HeaderId.xForwardedFor,
  'x-forwarded-proto': HeaderId.xForwardedProto,
  'x-forwarded-host': HeaderId.xForwardedHost,
  'x-forwarded-port': HeaderId.xForwardedPort,
  'x-forwarded-client-cert': HeaderId.xForwardedClientCert,
  'x-original-forwarded-for': HeaderId.xOriginalForwardedFor,
  forwarded: HeaderId.forwarded,
  'x-real-ip': HeaderId.xRealIp,
  'x-request-id': HeaderId.xRequestId,
  'x-envoy-upstream-service-time': HeaderId.xEnvoyUpstreamServiceTime,
  'x-envoy-external-address': HeaderId.xEnvoyExternalAddress,
  authorization: HeaderId.authorization,
  cookie: HeaderId.cookie,
  'set-cookie': HeaderId.setCookie,
  'user-agent': HeaderId.userAgent,
  referer: HeaderId.referer,
  'content-type': HeaderId.contentType,
  'content-encoding': HeaderId.contentEncoding,
  'content-range': HeaderId.contentRange,
  'content-location': HeaderId.contentLocation,
  date: HeaderId.date,
  server: HeaderId.server,
  location: HeaderId.location,
  'http2-settings': HeaderId.http2Settings,
  'cache-control': HeaderId.cacheControl,
  'max-forwards': HeaderId.maxForwards,
  range: HeaderId.range,
  'if-match': HeaderId.ifMatch,
  'if-none-match': HeaderId.ifNoneMatch,
  'if-modified-since': HeaderId.ifModifiedSince,
  'if-unmodified-since': HeaderId.ifUnmodifiedSince,
  'if-range': HeaderId.ifRange,
  origin: HeaderId.origin,
  'www-authenticate': HeaderId.wwwAuthenticate,
  age: HeaderId.age,
  expires: HeaderId.expires,
  pragma: HeaderId.pragma,
  'retry-after': HeaderId.retryAfter,
  vary: HeaderId.vary,
  warning: HeaderId.warning,
  'authentication-info': HeaderId.authenticationInfo,
  'proxy-authentication-info': HeaderId.proxyAuthenticationInfo,
};

/** Families of names: every longer name with the prefix that has no entry of its own. */
const PREFIXES: readonly (readonly [string, HeaderId])[] = [
  ['x-envoy-', HeaderId.xEnvoy],
  ['x-forwarded-', HeaderId.xForwardedOther],
];

/** Properties of a header name; bits of {@link headerTraits}. */
export const HeaderTrait = {
  /** Speaks of one connection only and is never forwarded (RFC 9110 §7.6.1; the Proxy-* pair as in RFC 2616 §13.5.1). */
  hopByHop: 1,
  /** A client cannot have it removed by naming it in Connection: routing, framing, trust or policy rely on it. */
  protected: 2,
  /** Dropped when it comes as a trailer (RFC 9110 §6.5.1: framing, routing, request modifiers, authentication, content). */
  notInTrailers: 4,
} as const;

const HOP_BY_HOP: readonly HeaderId[] = [
  HeaderId.connection,
  HeaderId.keepAlive,
  HeaderId.proxyConnection,
  HeaderId.te,
  HeaderId.transferEncoding,
  HeaderId.upgrade,
  HeaderId.http2Settings,
  HeaderId.proxyAuthenticate,
  HeaderId.proxyAuthorization,
  HeaderId.proxyAuthenticationInfo,
];

/** All names with an id, save for these few, are protected from Connection (see {@link HeaderTrait.protected}). */
const NOT_PROTECTED: readonly HeaderId[] = [HeaderId.other, HeaderId.maxForwards, HeaderId.pragma, HeaderId.warning];

/** All names with an id, save for these, are dropped from trailers. */
const ALLOWED_IN_TRAILERS: readonly HeaderId[] = [HeaderId.other];

const TRAITS = Uint8Array.from({ length: 64 }, (_, id) => {
  const known = id as HeaderId;
  return (
    (HOP_BY_HOP.includes(known) ? HeaderTrait.hopByHop : 0) |
    (NOT_PROTECTED.includes(known) ? 0 : HeaderTrait.protected) |
    (ALLOWED_IN_TRAILERS.includes(known) ? 0 : HeaderTrait.notInTrailers)
  );
});

/** Bits of {@link HeaderTrait} for an id. */
export function headerTraits(id: number): number {
  return TRAITS[id] as number;
}

type Entry = { readonly bytes: Uint8Array; readonly id: HeaderId };

/** Names by length and last letter: nearly always one candidate. */
const SLOTS: readonly (readonly Entry[] | undefined)[] = Object.entries(NAMES).reduce<Entry[][]>(
  (slots, [name, id]) => {
    const bytes = Buffer.from(name, 'latin1');
    const slot = slotOf(bytes.length, bytes[bytes.length - 1] as number);
    slots[slot] = [...(slots[slot] ?? []), { bytes, id }];
    return slots;
  },
  [],
);

const PREFIX_ENTRIES: readonly Entry[] = PREFIXES.map(([name, id]) => ({ bytes: Buffer.from(name, 'latin1'), id }));

/** The id of a name given as token bytes, in any case. */
export function headerIdOf(buffer: Uint8Array, start: number, end: number): HeaderId {
  const length = end - start;
  if (length > 31) return prefixIdOf(buffer, start, length);
  const candidates = SLOTS[slotOf(length, buffer[end - 1] as number)];
  if (candidates !== undefined) {
    for (let i = 0; i < candidates.length; i++) {
      const entry = candidates[i] as Entry;
      if (entry.bytes.length === length && startsWith(buffer, start, entry.bytes)) return entry.id;
    }
  }
  return prefixIdOf(buffer, start, length);
}

/** The id of a lower-case name, for tables that are built from text. */
export function headerIdOfName(lowerName: string): HeaderId {
  const bytes = Buffer.from(lowerName, 'latin1');
  return bytes.length === 0 ? HeaderId.other : headerIdOf(bytes, 0, bytes.length);
}

function slotOf(length: number, lastByte: number): number {
  return (length << 5) | (lastByte & 0x1f);
}

function prefixIdOf(buffer: Uint8Array, start: number, length: number): HeaderId {
  // Both prefixes begin with `x-`, which most names fail at once.
  if (length < 9 || ((buffer[start] as number) | 0x20) !== 0x78 || buffer[start + 1] !== 0x2d) return HeaderId.other;
  for (let i = 0; i < PREFIX_ENTRIES.length; i++) {
    const entry = PREFIX_ENTRIES[i] as Entry;
    if (entry.bytes.length < length && startsWith(buffer, start, entry.bytes)) return entry.id;
  }
  return HeaderId.other;
}

/** Token bytes only: there `| 0x20` maps nothing but the capital letter onto a small one. */
function startsWith(buffer: Uint8Array, start: number, lower: Uint8Array): boolean {
  for (let i = 0; i < lower.length; i++) {
    if (((buffer[start + i] as number) | 0x20) !== lower[i]) return false;
  }
  return true;
}
