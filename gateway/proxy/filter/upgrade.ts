import type { RequestHead } from '../codec/request-head.ts';

/**
 * The one protocol a client may switch to, or nothing: h2c would carry requests past all checks (RFC 9113 §3.1 has
 * removed it anyway), a list could hold it, and a request with a body cannot switch before its end.
 */
export function acceptableUpgrade(head: RequestHead): string {
  const { upgrade } = head;
  if (upgrade === '' || head.chunked || head.contentLength > 0 || head.minorVersion === 0) return '';
  const isOneToken = /^[a-z0-9!#$%&'*+.^_`|~-]+(\/[a-z0-9.]+)?$/.test(upgrade);
  return isOneToken && !/^(h2c?|http|tls)(\/|$)/.test(upgrade) ? upgrade : '';
}
