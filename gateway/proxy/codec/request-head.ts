/**
 * The codec promises one reading of every byte: what another parser could read differently is refused, and the split of the bytes
 * never matters. It never touches a socket, keeps no buffer, and makes no object per field. Called by the connections of both
 * directions: heads here and in `response-head.ts`, bodies in `chunked.ts`, then `path.ts` and `host.ts` for what was asked.
 */
import { equalsIgnoringCase } from './bytes.ts';
import { parseFields, SectionState } from './fields.ts';
import { MessageHead, readFraming } from './framing.ts';
import { HeadError } from './head-error.ts';
import { HeaderId } from './header-names.ts';
import { parseHost } from './host.ts';
import { parseRequestLine } from './request-line.ts';

/** How large a head may be; the same for requests and responses. */
export type HeadLimits = {
  /** First line and fields with all line ends. */
  readonly headerBytes: number;
  readonly targetBytes: number;
  readonly headerCount: number;
};

/**
 * One request head, reused for every request of a connection (or, where heads come whole, of a worker). Offsets are into the
 * buffer of the last {@link parseRequestHead} call and die with it; the strings are copies and live on.
 */
export class RequestHead extends MessageHead {
  method = '';
  /** As sent. */
  target = '';
  /** Path and query, whatever the form of the target; `*` for `OPTIONS *`. Never empty. */
  originForm = '';
  /** Of an absolute-form target; else empty. */
  scheme: '' | 'http' | 'https' = '';
  /** As sent, from the target if it names one (RFC 9112 §3.2.2), else from Host; empty for HTTP/1.0 without Host. */
  authority = '';
  /** The authority without port, ready for routing; empty when there is no authority. */
  host = '';
  /** Port of the authority, -1 when it names none. */
  port = -1;
  /** The target is in absolute-form: {@link authority} must be sent on in place of the Host field, if any. */
  authorityFromTarget = false;
  expectContinue = false;

  /** Parser's own: where the method or the target began, and the leading empty line that was skipped. */
  mark = 0;

  /** Forgets a head that was begun; the next call begins a new one. */
  reset(): void {
    this.state = SectionState.done;
  }

  /** Called by the parser with the first byte of a head. */
  begin(start: number): void {
    this.beginSection(SectionState.fresh, start);
    this.resetFraming();
    this.mark = start;
    this.scheme = '';
    this.authority = '';
    this.host = '';
    this.port = -1;
    this.authorityFromTarget = false;
    this.expectContinue = false;
  }
}

/**
 * Parses the request head at `[start, end)`, strictly as RFC 9112 has it: the offset after the head, 0 while it is incomplete, or
 * a negative {@link HeadError}. After 0 it is called again with the same bytes and more behind them (at any offset of any buffer):
 * it goes on where it stopped, so that a head that comes byte by byte costs no more than one that comes whole, and ends the same.
 * After any other result the next call begins a new head.
 */
export function parseRequestHead(
  head: RequestHead,
  buffer: Buffer,
  start: number,
  end: number,
  limits: HeadLimits,
): number {
  if (head.state === SectionState.fresh || head.state === SectionState.done) head.begin(start);
  else if (start !== head.origin) moveHead(head, start);
  const limit = start + limits.headerBytes;
  const readable = end < limit ? end : limit;
  let result = 0;
  if (head.state < SectionState.lineStart) result = parseRequestLine(head, buffer, readable, limits.targetBytes);
  if (result === 0 && head.state >= SectionState.lineStart) {
    result = parseFields(head, buffer, readable, limits.headerCount);
    if (result > 0) {
      const error = finish(head, buffer);
      if (error !== 0) result = error;
    }
  }
  if (result === 0 && readable === limit) {
    result = head.state < SectionState.lineStart ? HeadError.targetTooLong : HeadError.headTooLarge;
  }
  if (result < 0) head.state = SectionState.done;
  return result;
}

function moveHead(head: RequestHead, start: number): void {
  head.mark += start - head.origin;
  head.moveTo(start);
}

/** What can be judged only when all fields are known. */
function finish(head: RequestHead, buffer: Buffer): number {
  const error = readFraming(head, buffer);
  if (error !== 0) return error;
  if (head.hostIndex === -1) {
    if (head.minorVersion === 1) return HeadError.missingHost;
  } else {
    const value = head.value(buffer, head.hostIndex);
    const host = parseHost(value);
    if (host === undefined) return HeadError.invalidHost;
    if (!head.authorityFromTarget) {
      head.authority = value;
      head.host = host.host;
      head.port = host.port;
    }
  }
  return readExpectation(head, buffer);
}

function readExpectation(head: RequestHead, buffer: Buffer): number {
  const index = head.indexOf(HeaderId.expect);
  if (index === -1) return 0;
  const [start, end] = [head.valueStart[index] as number, head.valueEnd[index] as number];
  if (!equalsIgnoringCase(buffer, start, end, '100-continue')) return HeadError.unsupportedExpectation;
  if (head.indexOf(HeaderId.expect, index + 1) !== -1) return HeadError.unsupportedExpectation;
  // RFC 9110 §10.1.1: an HTTP/1.0 client cannot be sent 100, so its expectation is ignored.
  head.expectContinue = head.minorVersion === 1;
  return 0;
}
