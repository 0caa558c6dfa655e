import { latin1 } from '../../support/latin1.ts';
import { CR, FIELD_VALUE, LF, SP } from './bytes.ts';
import { FieldFlag, parseFields, SectionState } from './fields.ts';
import { MessageHead, readFraming } from './framing.ts';
import { HeadError } from './head-error.ts';
import { HeaderId } from './header-names.ts';
import type { HeadLimits } from './request-head.ts';

/** How the end of a response body is found (RFC 9112 §6.3). */
export type BodyFraming = 'none' | 'length' | 'chunked' | 'close';

/** One response head, reused; what holds for `RequestHead` holds here. */
export class ResponseHead extends MessageHead {
  /** 100..599. */
  status = 0;
  /** As sent, possibly empty. */
  reason = '';
  /** `Keep-Alive: timeout=N` in seconds, -1 when the server does not say. */
  keepAliveSeconds = -1;

  /** Parser's own: where the status line began. */
  mark = 0;

  /** Forgets a head that was begun; the next call begins a new one. */
  reset(): void {
    this.state = SectionState.done;
  }

  begin(start: number): void {
    this.beginSection(SectionState.fresh, start);
    this.resetFraming();
    this.mark = start;
    this.status = 0;
    this.reason = '';
    this.keepAliveSeconds = -1;
  }

  /** How the body of this response ends, given whether its request was HEAD. */
  bodyFraming(isHead: boolean): BodyFraming {
    if (isHead || this.status < 200 || this.status === 204 || this.status === 304) return 'none';
    if (this.chunked) return 'chunked';
    return this.contentLength === -1 ? 'close' : 'length';
  }
}

const LineState = { version: SectionState.fresh, reason: 2, lineEnd: 3 } as const;

/** `HTTP/1.x NNN` */
const FIXED_BYTES = 12;
const PREFIX = [0x48, 0x54, 0x54, 0x50, 0x2f, 0x31, 0x2e];

/**
 * Parses a response head as strictly as {@link parseRequestHead} parses requests, with the same results; any error means that the
 * upstream connection cannot be trusted further. 1xx heads are heads like any other: the caller parses on.
 */
export function parseResponseHead(
  head: ResponseHead,
  buffer: Buffer,
  start: number,
  end: number,
  limits: HeadLimits,
): number {
  // A fresh head has read nothing yet, so beginning again costs nothing.
  if (head.state === SectionState.done || (head.state === SectionState.fresh && head.position === head.origin)) {
    head.begin(start);
  } else if (start !== head.origin) {
    head.mark += start - head.origin;
    head.moveTo(start);
  }
  const limit = start + limits.headerBytes;
  const readable = end < limit ? end : limit;
  let result = 0;
  if (head.state < SectionState.lineStart) result = parseStatusLine(head, buffer, readable);
  if (result === 0 && head.state >= SectionState.lineStart) {
    result = parseFields(head, buffer, readable, limits.headerCount);
    if (result > 0) {
      const error = finish(head, buffer);
      if (error !== 0) result = error;
    }
  }
  if (result === 0 && readable === limit) result = HeadError.headTooLarge;
  if (result < 0) head.state = SectionState.done;
  return result;
}

/** `HTTP/1.x SP 3DIGIT [SP reason] CRLF`; servers that leave the second blank out with the reason are common and harmless. */
function parseStatusLine(head: ResponseHead, buffer: Buffer, end: number): number {
  let pos = head.position;
  let state = head.state;
  while (pos < end) {
    const byte = buffer[pos] as number;
    if (state === LineState.version) {
      for (let at = pos - head.mark; at < FIXED_BYTES && pos < end; at++, pos++) {
        const digit = buffer[pos] as number;
        const error = checkFixedByte(digit, at);
        if (error !== 0) return error;
        if (at === 7) head.minorVersion = digit - 0x30;
        else if (at > 8) head.status = head.status * 10 + digit - 0x30;
      }
      if (pos === end) break;
      if (head.status < 100 || head.status > 599) return HeadError.invalidStatusLine;
      const next = buffer[pos] as number;
      if (next === SP) {
        head.mark = pos + 1;
        state = LineState.reason;
      } else {
        if (next !== CR) return next === LF ? HeadError.bareLineFeed : HeadError.invalidStatusLine;
        state = LineState.lineEnd;
      }
      pos++;
    } else if (state === LineState.reason) {
      while (pos < end && FIELD_VALUE[buffer[pos] as number] === 1) pos++;
      if (pos === end) break;
      if (buffer[pos] !== CR) return buffer[pos] === LF ? HeadError.bareLineFeed : HeadError.invalidStatusLine;
      head.reason = isOk(buffer, head.mark, pos) ? 'OK' : latin1(buffer, head.mark, pos);
      pos++;
      state = LineState.lineEnd;
    } else {
      if (byte !== LF) return HeadError.bareCarriageReturn;
      pos++;
      state = SectionState.lineStart;
      break;
    }
  }
  head.position = pos;
  head.state = state;
  return 0;
}

/** The commonest reason needs no new string. */
function isOk(buffer: Uint8Array, start: number, end: number): boolean {
  return end - start === 2 && buffer[start] === 0x4f && buffer[start + 1] === 0x4b;
}

function checkFixedByte(byte: number, at: number): number {
  if (at < 7) return byte === PREFIX[at] ? 0 : HeadError.invalidStatusLine;
  if (at === 7) return byte === 0x30 || byte === 0x31 ? 0 : HeadError.unsupportedVersion;
  if (at === 8) return byte === SP ? 0 : HeadError.invalidStatusLine;
  return byte >= 0x30 && byte <= 0x39 ? 0 : HeadError.invalidStatusLine;
}

function finish(head: ResponseHead, buffer: Buffer): number {
  const error = readFraming(head, buffer);
  if (error !== 0) return error;
  // RFC 9110 §15.2: HTTP/1.0 has no informational responses; who sends one means something else.
  if (head.status < 200 && head.minorVersion === 0) return HeadError.invalidStatusLine;
  if (head.status < 200 || head.status === 204) {
    // RFC 9112 §6.1, RFC 9110 §8.6: neither may be sent. A length of 0 is common, says nothing and is dropped; the rest is a
    // server that another parser would read a body from.
    if (head.chunked || head.contentLength > 0) return HeadError.bodyNotAllowed;
    if (head.contentLength === 0) head.flags[head.indexOf(HeaderId.contentLength)] = FieldFlag.hopByHop;
  }
  const keepAlive = head.indexOf(HeaderId.keepAlive);
  if (keepAlive !== -1) {
    const timeout = /(?:^|[,;\s])timeout=(\d{1,6})/i.exec(head.value(buffer, keepAlive))?.[1];
    if (timeout !== undefined) head.keepAliveSeconds = Number(timeout);
  }
  return 0;
}
