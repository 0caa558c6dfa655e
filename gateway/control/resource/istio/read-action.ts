import { isIPv4, isIPv6 } from 'node:net';
import { defined } from '../defined.ts';
import type { At } from '../reader/at.ts';
import { type Reader, refine, required } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { integer, oneOf, orEmpty, plainText, port, text } from '../reader/scalars.ts';
import { exclusive, isThere, writtenIn } from '../reader/together.ts';
import { isDnsName } from './host-values.ts';
import type { HttpAction } from './virtual-service.ts';

type Redirect = Extract<HttpAction, { kind: 'redirect' }>;
type DirectResponse = Extract<HttpAction, { kind: 'direct-response' }>;

/** Statuses that a redirect may have. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

const redirectCode: Reader<Redirect['status']> = refine(integer({ min: 0, max: 2 ** 31 - 1 }), (code, at) => {
  if (code === 0) return 301;
  if (!REDIRECTS.has(code))
    return at.report({
      ...(code >= 300 && code <= 399 && { code: 'MG0207' }),
      message: `${code} is not a redirect that is served: use 301, 302, 303, 307 or 308.`,
    });
  // Member of the set above.
  return code as Redirect['status'];
});

const redirectScheme: Reader<string> = oneOf({ http: 'http', https: 'https' });
const authority: Reader<string> = refine(plainText, (value, at) => {
  const host = value.toLowerCase().replace(/(?<=[^:]|\]):\d+$/, '');
  if (isDnsName(host) || isIPv4(host) || isIPv6(host.replace(/^\[|\]$/g, ''))) return value.toLowerCase();
  return at.report({ code: 'MG0207', message: `"${value}" is not a host with an optional port.` });
});

/** A code alone would lead every client back to where it came from. */
const WHERE_TO = ['uri', 'prefixRewrite', 'authority', 'port', 'derivePort', 'scheme'] as const;

/** `redirect`. */
export const redirect: Reader<Redirect> = refine(
  record({
    uri: orEmpty(plainText),
    prefixRewrite: orEmpty(plainText),
    authority: orEmpty(authority),
    port,
    derivePort: oneOf({ FROM_PROTOCOL_DEFAULT: 'from-protocol', FROM_REQUEST_PORT: 'from-request' } as const),
    scheme: orEmpty(redirectScheme),
    redirectCode,
  }),
  (value, at) => {
    exclusive(at, value, 'uri', 'prefixRewrite');
    exclusive(at, value, 'port', 'derivePort');
    const written = writtenIn(at);
    if (!WHERE_TO.some((name) => isThere(written, name)))
      return at.report({ message: `A redirect leads somewhere: write ${WHERE_TO.join(', ')}.` });
    return {
      kind: 'redirect',
      status: value.redirectCode ?? 301,
      ...defined({
        scheme: value.scheme,
        authority: value.authority,
        port: value.port ?? value.derivePort,
        path:
          value.uri === undefined ? prefixOf(value.prefixRewrite) : ({ kind: 'replace', value: value.uri } as const),
      }),
    };
  },
);

function prefixOf(value: string | undefined): Redirect['path'] {
  return value === undefined ? undefined : { kind: 'prefix', value };
}

const MAX_BODY = 1024 * 1024;
/** From here on, Istio advises against it. */
const LARGE_BODY = 100 * 1024;

const body: Reader<string> = refine(record({ string: text, bytes: refine(text, decodeBytes) }), (value, at) => {
  exclusive(at, value, 'string', 'bytes');
  const content = value.string ?? value.bytes ?? '';
  if (content.length > LARGE_BODY && content.length <= MAX_BODY)
    at.report({ severity: 'warning', message: 'The body is longer than 100 KiB: every worker keeps it in memory.' });
  return content.length <= MAX_BODY
    ? content
    : at.report({ message: 'The body is longer than 1 MiB: let a backend serve it.' });
});

function decodeBytes(value: string, at: At): string | undefined {
  const bytes = Buffer.from(value, 'base64');
  const content = bytes.toString('utf8');
  if (
    Buffer.from(content, 'utf8').equals(bytes) &&
    bytes.toString('base64').replace(/=+$/, '') === value.replace(/=+$/, '')
  )
    return content;
  return at.report({
    code: isBase64(value) ? 'MG0207' : 'IST0106',
    message: 'The bytes must be base64 of UTF-8 text; other bodies are not served yet.',
  });
}

function isBase64(value: string): boolean {
  return Buffer.from(value, 'base64').toString('base64').replace(/=+$/, '') === value.replace(/=+$/, '');
}

/** `directResponse`. */
export const directResponse: Reader<DirectResponse> = refine(
  record({ status: required(integer({ min: 200, max: 599 }), 'write the status, as status: 503'), body }),
  (value) =>
    value.status === undefined ? undefined : { kind: 'direct-response', status: value.status, body: value.body ?? '' },
);
