import { headErrorInfo } from '#gateway/proxy/codec/head-error.ts';
import { type HeadLimits, parseRequestHead, RequestHead } from '#gateway/proxy/codec/request-head.ts';
import { parseResponseHead, ResponseHead } from '#gateway/proxy/codec/response-head.ts';

export const LIMITS: HeadLimits = { headerBytes: 61_440, targetBytes: 16_384, headerCount: 100 };

/** A parsed head with the buffer that its offsets point into. */
export type Parsed<H> = { readonly head: H; readonly buffer: Buffer; readonly result: number };

export function parseRequest(text: string, limits: Partial<HeadLimits> = {}): Parsed<RequestHead> {
  const buffer = Buffer.from(text, 'latin1');
  const head = new RequestHead();
  return { head, buffer, result: parseRequestHead(head, buffer, 0, buffer.length, { ...LIMITS, ...limits }) };
}

export function parseResponse(text: string, limits: Partial<HeadLimits> = {}): Parsed<ResponseHead> {
  const buffer = Buffer.from(text, 'latin1');
  const head = new ResponseHead();
  return { head, buffer, result: parseResponseHead(head, buffer, 0, buffer.length, { ...LIMITS, ...limits }) };
}

/** `GET / HTTP/1.1` with Host and the given lines. */
export function get(...lines: readonly string[]): string {
  return `GET / HTTP/1.1\r\n${['Host: a.example', ...lines].map((line) => `${line}\r\n`).join('')}\r\n`;
}

/** `whole`, `incomplete`, or status and detail of the error. */
export function verdict(result: number): string {
  if (result === 0) return 'incomplete';
  if (result > 0) return 'whole';
  const { status, detail } = headErrorInfo(result);
  return `${status} ${detail.replace('http1.', '')}`;
}
