import { STATUS_CODES } from 'node:http';
import { httpDate } from '../../support/http-date.ts';
import { latin1 } from '../../support/latin1.ts';
import type { Reply } from './replies.ts';

/** The bytes (latin1) of an answer of our own. `isHead` leaves the body out and keeps its length. */
export function localResponse(
  reply: Reply,
  options: { isHead: boolean; connection: '' | 'close' | 'keep-alive' },
): string {
  const bytes = Buffer.from(reply.body, 'utf8');
  const body = latin1(bytes, 0, bytes.length);
  let text = `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? 'Unknown'}\r\n`;
  if (reply.location !== undefined) text += `location: ${reply.location}\r\n`;
  // RFC 9110 §8.6: a 204 (or 1xx) carries no Content-Length; a 304 would describe a body that was not sent.
  const bodiless = reply.status === 204 || reply.status === 304;
  if (!bodiless) text += `content-length: ${body.length}\r\n`;
  if (body.length > 0 && !bodiless) text += 'content-type: text/plain; charset=utf-8\r\n';
  text += `date: ${httpDate()}\r\nserver: mesh-gateway\r\n`;
  if (options.connection !== '') text += `connection: ${options.connection}\r\n`;
  return options.isHead || bodiless ? `${text}\r\n` : `${text}\r\n${body}`;
}
