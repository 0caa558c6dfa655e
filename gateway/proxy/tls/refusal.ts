import type { ClientHelloError } from './client-hello.ts';

/** Every way in which a client gets no TLS connection: a closed list, so that it can label a metric. */
export type TlsRefusal =
  | ClientHelloError
  /** Gone, or reset, before the handshake was done. */
  | 'closed'
  | 'timeout'
  | 'no-listener'
  | 'no-server-name'
  | 'unknown-server-name'
  | 'unsupported-protocol'
  | 'no-shared-cipher'
  | 'no-application-protocol'
  /** The client ended the handshake with an alert, mostly because it does not trust the certificate. */
  | 'client-alert'
  | 'handshake-failed';

/** TLS alert descriptions (RFC 8446 §6.2). */
const ALERTS: Partial<Record<TlsRefusal, number>> = {
  'unknown-server-name': 112,
  'no-server-name': 109,
  'malformed-hello': 50,
  'hello-too-large': 50,
  timeout: 90,
};

const PLAIN_HTTP_ANSWER =
  'HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 47\r\n\r\n' +
  'This port speaks HTTPS: use an https:// address';

/** The last bytes for a client that is refused before OpenSSL has seen it; undefined when closing says it all. */
export function refusalBytes(reason: TlsRefusal): Buffer | undefined {
  if (reason === 'plain-http') return Buffer.from(PLAIN_HTTP_ANSWER, 'latin1');
  const alert = ALERTS[reason];
  return alert === undefined ? undefined : Buffer.from([21, 3, 3, 0, 2, 2, alert]);
}

/** Sorts what `tlsClientError` reports. */
export function refusalOf(error: NodeJS.ErrnoException): TlsRefusal {
  const code = error.code ?? '';
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'timeout';
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT') return 'closed';
  if (code === 'ERR_SSL_UNSUPPORTED_PROTOCOL' || code === 'ERR_SSL_VERSION_TOO_LOW') return 'unsupported-protocol';
  if (code === 'ERR_SSL_NO_SHARED_CIPHER' || code === 'ERR_SSL_NO_SHARED_GROUP') return 'no-shared-cipher';
  if (code === 'ERR_SSL_NO_APPLICATION_PROTOCOL') return 'no-application-protocol';
  if (code.includes('_ALERT_')) return 'client-alert';
  return 'handshake-failed';
}
