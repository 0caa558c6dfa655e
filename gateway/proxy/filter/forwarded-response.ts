/**
 * Writes the response head that goes to the client: the backend's, without what concerns one connection only.
 * `Server` and `Date` are the backend's own; a missing `Date` is added (RFC 9110 §6.6.1).
 */

import { httpDate } from '../../support/http-date.ts';
import { latin1 } from '../../support/latin1.ts';
import { HeaderId } from '../codec/header-names.ts';
import type { ResponseHead } from '../codec/response-head.ts';

export type ForwardResponseOptions = {
  /** The body is sent in chunks of our own. */
  readonly chunked: boolean;
  /** Milliseconds the backend took; -1 for interim responses, which carry no such header. */
  readonly serviceMs: number;
  /** `close`, `keep-alive` (to say to an HTTP/1.0 client) or nothing. */
  readonly connection: '' | 'close' | 'keep-alive';
  readonly via: boolean;
};

/** Builds the head of a final or interim response, empty line included. */
export function forwardedResponse(head: ResponseHead, buffer: Buffer, options: ForwardResponseOptions): string {
  let text = statusLine(head.status, head.reason);
  let via = '';
  let dated = head.status < 200;
  let runStart = -1;
  for (let i = 0; i < head.count; i++) {
    const id = head.ids[i] as number;
    if (id === HeaderId.date) dated = true;
    if (head.flags[i] === 0 && id !== HeaderId.xEnvoyUpstreamServiceTime && (id !== HeaderId.via || !options.via)) {
      if (runStart === -1) runStart = head.nameStart[i] as number;
      continue;
    }
    if (runStart !== -1) {
      text += latin1(buffer, runStart, head.nameStart[i] as number);
      runStart = -1;
    }
    if (id === HeaderId.via) via = via === '' ? head.value(buffer, i) : `${via}, ${head.value(buffer, i)}`;
  }
  if (runStart !== -1) text += latin1(buffer, runStart, head.nameStart[head.count] as number);
  if (!dated) text += `date: ${httpDate()}\r\n`;
  if (options.via) text += `via: ${via === '' ? '' : `${via}, `}1.1 mesh-gateway\r\n`;
  if (options.chunked) text += 'transfer-encoding: chunked\r\n';
  if (head.status === 101) text += `connection: upgrade\r\nupgrade: ${head.upgrade}\r\n`;
  else if (options.connection !== '') text += `connection: ${options.connection}\r\n`;
  if (options.serviceMs >= 0) text += `x-envoy-upstream-service-time: ${options.serviceMs}\r\n`;
  return `${text}\r\n`;
}

function statusLine(status: number, reason: string): string {
  if (status === 200 && reason === 'OK') return 'HTTP/1.1 200 OK\r\n';
  return `HTTP/1.1 ${status} ${reason}\r\n`;
}
