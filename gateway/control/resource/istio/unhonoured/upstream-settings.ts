// Promises: of fields of a traffic policy that are not honoured yet, the values that Istio takes, and no others.
// Never: gives them to anybody; what happens meanwhile is said by the table of such fields.
// Called by: the table of fields that are not honoured yet.
import { isIP } from 'node:net';
import { listOf } from '../../reader/collections.ts';
import { type Reader, refine, required } from '../../reader/reader.ts';
import { record } from '../../reader/record.ts';
import { boolean, decimal, durationMs, integer, oneOf, port, positiveDurationMs, text } from '../../reader/scalars.ts';
import { needsOne, writtenIn } from '../../reader/together.ts';
import { isDnsName } from '../host-values.ts';

/** Istio's signed and unsigned counts. */
export const count: Reader<number> = integer({ min: 0, max: 2 ** 31 - 1 });
const bigCount = integer({ min: 0, max: 2 ** 32 - 1 });
const wholePercent = integer({ min: 0, max: 100 });
const percent = decimal({ min: 0, max: 100 });

/** `connectionPool.http`. */
export const httpPool: Reader<unknown> = refine(
  record({
    h2UpgradePolicy: oneOf({ DEFAULT: 'DEFAULT', DO_NOT_UPGRADE: 'DO_NOT_UPGRADE', UPGRADE: 'UPGRADE' } as const),
    http1MaxPendingRequests: count,
    http2MaxRequests: count,
    idleTimeout: positiveDurationMs,
    maxConcurrentStreams: count,
    maxRequestsPerConnection: count,
    maxRetries: count,
    useClientProtocol: boolean,
    http2KeepAlive: record({
      interval: required(positiveDurationMs, 'write how often to ask'),
      timeout: required(positiveDurationMs, 'write how long to wait for an answer'),
    }),
  }),
  (value, at) => {
    if (value.h2UpgradePolicy === 'UPGRADE' && value.useClientProtocol === true)
      at.child('useClientProtocol', true).reportKey({ message: 'UPGRADE and useClientProtocol exclude each other.' });
    return value;
  },
);

/** `connectionPool.tcp.tcpKeepalive`. */
export const tcpKeepalive: Reader<unknown> = record({
  probes: bigCount,
  time: positiveDurationMs,
  interval: positiveDurationMs,
});

/** A timeout that `0s` switches off. */
export const optionalTimeout: Reader<number> = refine(durationMs, (value, at) =>
  value === 0 ? 0 : positiveDurationMs(at),
);

/** All of `connectionPool.tcp`, for places where none of it is honoured. */
const tcpPool = record({
  maxConnections: count,
  connectTimeout: positiveDurationMs,
  maxConnectionDuration: positiveDurationMs,
  idleTimeout: optionalTimeout,
  tcpKeepalive,
});

/** All of `connectionPool`. */
export const connectionPool: Reader<unknown> = refine(record({ http: httpPool, tcp: tcpPool }), (value, at) => {
  needsOne(at, writtenIn(at), ['http', 'tcp']);
  return value;
});

/** `outlierDetection`. */
export const outlierDetection: Reader<unknown> = refine(
  record({
    baseEjectionTime: positiveDurationMs,
    consecutive5xxErrors: bigCount,
    consecutiveErrors: count,
    consecutiveGatewayErrors: bigCount,
    consecutiveLocalOriginFailures: bigCount,
    interval: positiveDurationMs,
    maxEjectionPercent: wholePercent,
    minHealthPercent: wholePercent,
    outlierDetectionHttpErrorCodes: listOf(integer({ min: 100, max: 599 })),
    splitExternalLocalOriginErrors: boolean,
  }),
  (value, at) => {
    if ((value.consecutiveErrors ?? 0) > 0)
      at.child('consecutiveErrors', undefined).reportKey({
        severity: 'warning',
        message: 'consecutiveErrors is deprecated in Istio: write consecutive5xxErrors or consecutiveGatewayErrors.',
      });
    if ((value.consecutiveLocalOriginFailures ?? 0) > 0 && value.splitExternalLocalOriginErrors !== true)
      at.child('consecutiveLocalOriginFailures', undefined).reportKey({
        message: 'This counts only with splitExternalLocalOriginErrors: true: write that too, or remove it.',
      });
    return value;
  },
);

const targetHost: Reader<string> = refine(text, (host, at) =>
  isIP(host) !== 0 || (isDnsName(host.toLowerCase().replace(/(?<=.)\.$/, '')) && !host.includes('_'))
    ? host
    : at.report({ message: `"${host}" is neither a host name nor an IP address.` }),
);

/** `tunnel`. */
export const tunnel: Reader<unknown> = record({
  protocol: oneOf({ '': 'CONNECT', CONNECT: 'CONNECT', POST: 'POST' }),
  targetHost: required(targetHost, 'write where the tunnel leads to'),
  targetPort: required(port, 'write the port that it leads to'),
});

/** `proxyProtocol`. */
export const proxyProtocol: Reader<unknown> = record({ version: oneOf({ V1: 1, V2: 2 }) });

/** `retryBudget`. */
export const retryBudget: Reader<unknown> = record({
  percent,
  minRetryConcurrency: bigCount,
  budgetInterval: durationMs,
});

/** `loadBalancer.warmup`. */
export const warmup: Reader<unknown> = refine(
  record({
    duration: required(positiveDurationMs, 'write how long the warm-up lasts'),
    minimumPercent: percent,
    aggression: decimal({ min: 0, max: Number.MAX_VALUE }),
  }),
  (value, at) =>
    value.aggression === 0 ? at.child('aggression', 0).report({ message: 'Write a number above 0.' }) : value,
);
