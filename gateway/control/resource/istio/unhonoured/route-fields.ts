// Promises: of fields of a VirtualService's rule that are not honoured yet, the values that Istio takes, and no others.
// Never: gives them to anybody; what happens meanwhile is said by the table of such fields.
// Called by: the table of fields that are not honoured yet.
import { STATUS_CODES } from 'node:http';
import type { At } from '../../reader/at.ts';
import { listOf } from '../../reader/collections.ts';
import { type Reader, refine, required } from '../../reader/reader.ts';
import { record } from '../../reader/record.ts';
import { boolean, decimal, integer, oneOf, positiveDurationMs, text } from '../../reader/scalars.ts';
import { exclusive, isThere, needsOne, writtenIn } from '../../reader/together.ts';
import { isDnsLabel } from '../host-values.ts';
import { destination } from '../read-destinations.ts';
import { headerToken } from '../read-match.ts';
import { regex, stringMatch } from '../string-match.ts';

/** `{value: 12.5}`; Envoy counts in ten-thousandths of a percent. */
const fraction = record({
  value: refine(decimal({ min: 0, max: 100 }), (value, at) =>
    value === 0 || value >= 0.0001 ? value : at.report({ message: `${value} is below the least share, 0.0001.` }),
  ),
});
const share = record({ value: decimal({ min: 0, max: 100 }) });
const percent = integer({ min: 0, max: 100 });

const origin: Reader<unknown> = refine(stringMatch, (match, at) =>
  match.value === '' ? at.report({ message: 'Name an origin here: exact, prefix or regex, with a value.' }) : match,
);
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', '*'];
const corsHeader: Reader<string> = refine(text, (name, at) =>
  headerToken.test(name) ? name : at.report({ message: `"${name}" is not a header's name.` }),
);
const wholeSeconds: Reader<number> = refine(positiveDurationMs, (value, at) =>
  value % 1000 === 0 ? value : at.report({ message: 'Whole seconds are expected here, as 10s or 1h.' }),
);

/** `corsPolicy`. */
export const corsPolicy: Reader<unknown> = record({
  allowOrigin: listOf(text),
  allowOrigins: listOf(origin),
  allowMethods: listOf(oneOf(Object.fromEntries(METHODS.map((name) => [name, name])))),
  allowHeaders: listOf(corsHeader),
  exposeHeaders: listOf(corsHeader),
  maxAge: wholeSeconds,
  allowCredentials: boolean,
  unmatchedPreflights: oneOf({ UNSPECIFIED: 0, FORWARD: 1, IGNORE: 2 }),
});

const GRPC_STATUSES =
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'.split(
    ' ',
  );
const unsupported = (name: string) => (at: At) =>
  at.reportKey({ message: `"${name}" is not supported by Istio either: remove it.` });

const delay = refine(
  record({
    percentage: fraction,
    percent,
    fixedDelay: positiveDurationMs,
    exponentialDelay: unsupported('exponentialDelay'),
  }),
  (value) => value,
);
const abort = refine(
  record({
    percentage: fraction,
    httpStatus: integer({ min: 200, max: 599 }),
    grpcStatus: oneOf(Object.fromEntries(GRPC_STATUSES.map((name) => [name, name]))),
    http2Error: unsupported('http2Error'),
  }),
  (value, at) => {
    exclusive(at, value, 'httpStatus', 'grpcStatus');
    if (!['httpStatus', 'grpcStatus', 'http2Error'].some((name) => isThere(writtenIn(at), name)))
      at.reportKey({ severity: 'warning', message: 'This aborts nothing: write httpStatus or grpcStatus.' });
    return value;
  },
);

/** `fault`. */
export const fault: Reader<unknown> = refine(record({ delay, abort }), (value, at) => {
  needsOne(at, writtenIn(at), ['delay', 'abort']);
  return value;
});

const RETRY_ON: ReadonlySet<string> = new Set(
  '5xx gateway-error reset reset-before-request connect-failure retriable-4xx refused-stream retriable-status-codes retriable-headers envoy-ratelimited http3-post-connect-failure cancelled deadline-exceeded internal resource-exhausted unavailable'.split(
    ' ',
  ),
);
const retryOn: Reader<string> = refine(text, (value, at) => {
  const words = value === '' ? [] : value.split(',');
  const wrong = words.find((word) => !RETRY_ON.has(word) && STATUS_CODES[word] === undefined);
  if (wrong === undefined) return value;
  return at.report({
    message: `"${wrong}" is no reason to retry: write words of Envoy's (5xx, reset, connect-failure...) or status codes, with commas and no spaces between them.`,
  });
});

/** `retries`. */
export const retries: Reader<unknown> = refine(
  record({
    attempts: integer({ min: 0, max: 2 ** 31 - 1 }),
    perTryTimeout: positiveDurationMs,
    retryOn,
    retryRemoteLocalities: boolean,
    retryIgnorePreviousHosts: boolean,
    backoff: positiveDurationMs,
  }),
  (value, at) => {
    const written = writtenIn(at);
    const idle = ['perTryTimeout', 'retryOn', 'retryRemoteLocalities'].filter((name) => isThere(written, name));
    if (!isThere(written, 'attempts') || written['attempts'] === 0)
      for (const name of idle)
        at.child(name, undefined).reportKey({
          message: `"${name}" has no effect while attempts is 0, or absent: write attempts, or remove it.`,
        });
    return value;
  },
);

const regexRewrite = refine(
  record({ match: required(regex, 'write the expression'), rewrite: required(text, 'write what takes its place') }),
  (value, at) =>
    value.rewrite === ''
      ? at.child('rewrite', '').report({ message: 'Write what takes the place of what the expression matches.' })
      : value,
);

/** `rewrite`. */
export const rewrite: Reader<unknown> = refine(
  record({ uri: text, authority: text, uriRegexRewrite: regexRewrite }),
  (value, at) => {
    const written = writtenIn(at);
    exclusive(at, written, 'uri', 'uriRegexRewrite');
    needsOne(at, written, ['uri', 'uriRegexRewrite', 'authority']);
    return value;
  },
);

/** `mirror`. */
export const mirror: Reader<unknown> = destination;

/** `mirrors`. */
export const mirrors: Reader<unknown> = listOf(
  record({ destination: required(destination, 'write destination: with a host'), percentage: share }),
);

/** `mirrorPercentage`. */
export const mirrorPercentage: Reader<unknown> = share;

/** `mirrorPercent`, under either spelling. */
export const mirrorPercent: Reader<unknown> = refine(percent, (value, at) => {
  at.reportKey({ severity: 'warning', message: `"${at.key}" is deprecated in Istio: write mirrorPercentage.` });
  return value;
});

/** `delegate`. */
export const delegate: Reader<unknown> = record({ name: text, namespace: text });

/** `sourceNamespace` of a match. */
export const namespace: Reader<string> = refine(text, (name, at) =>
  name === '' || (isDnsLabel(name.toLowerCase()) && !name.includes('_'))
    ? name
    : at.report({ message: `"${name}" is not a namespace.` }),
);
