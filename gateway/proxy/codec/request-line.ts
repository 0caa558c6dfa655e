import { latin1 } from '../../support/latin1.ts';
import { CR, LF, METHOD_TOKEN, SP, TARGET } from './bytes.ts';
import { SectionState } from './fields.ts';
import { HeadError } from './head-error.ts';
import { parseHost } from './host.ts';
import type { RequestHead } from './request-head.ts';

/** States of the first line; they continue {@link SectionState.fresh} and stay below `lineStart`. */
const LineState = {
  fresh: SectionState.fresh,
  emptyLine: 1,
  afterEmptyLine: 2,
  method: 3,
  target: 4,
  version: 5,
  lineEnd: 6,
} as const;

/** Longer methods are no methods; RFC 9112 §3 suggests 501 for what is longer than any known one. */
const MAX_METHOD = 32;
const PREFIX = [0x48, 0x54, 0x54, 0x50, 0x2f];
const VERSION_BYTES = 8;

/**
 * Goes on with the request line: 0 when it needs more bytes or when it is whole (the section state then says `lineStart`), else a
 * negative {@link HeadError}. One empty line before it is skipped (RFC 9112 §2.2).
 */
export function parseRequestLine(head: RequestHead, buffer: Buffer, end: number, maxTarget: number): number {
  let pos = head.position;
  let state = head.state;
  while (pos < end) {
    const byte = buffer[pos] as number;
    if (state === LineState.fresh || state === LineState.afterEmptyLine) {
      if (byte === CR && state === LineState.fresh) {
        state = LineState.emptyLine;
        pos++;
      } else {
        head.mark = pos;
        state = LineState.method;
      }
    } else if (state === LineState.emptyLine) {
      if (byte !== LF) return HeadError.bareCarriageReturn;
      pos++;
      state = LineState.afterEmptyLine;
    } else if (state === LineState.method) {
      const stop = Math.min(end, head.mark + MAX_METHOD + 1);
      while (pos < stop && METHOD_TOKEN[buffer[pos] as number] === 1) pos++;
      if (pos === head.mark + MAX_METHOD + 1) return HeadError.invalidMethod;
      if (pos === end) break;
      if (buffer[pos] !== SP || pos === head.mark) return methodError(buffer[pos] as number);
      head.method = methodAt(buffer, head.mark, pos);
      pos++;
      head.mark = pos;
      state = LineState.target;
    } else if (state === LineState.target) {
      const longest = head.mark + maxTarget + 1;
      const stop = end < longest ? end : longest;
      while (pos < stop && TARGET[buffer[pos] as number] === 1) pos++;
      if (pos === longest) return HeadError.targetTooLong;
      if (pos === end) break;
      if (buffer[pos] !== SP) return targetError(buffer[pos] as number);
      if (pos === head.mark) return HeadError.invalidRequestLine;
      head.target = latin1(buffer, head.mark, pos);
      pos++;
      head.mark = pos;
      state = LineState.version;
    } else if (state === LineState.version) {
      const versionEnd = head.mark + VERSION_BYTES;
      while (pos < versionEnd && pos < end) {
        if (!isVersionByte(buffer[pos] as number, pos - head.mark)) return HeadError.invalidVersion;
        pos++;
      }
      if (pos === end) break;
      if (buffer[pos] !== CR) return buffer[pos] === LF ? HeadError.bareLineFeed : HeadError.invalidRequestLine;
      const error = finishLine(head, buffer);
      if (error !== 0) return error;
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

function isVersionByte(byte: number, at: number): boolean {
  if (at < 5) return byte === PREFIX[at];
  return at === 6 ? byte === 0x2e : byte >= 0x30 && byte <= 0x39;
}

/** The common methods without making a string. */
function methodAt(buffer: Buffer, start: number, end: number): string {
  const first = buffer[start] as number;
  if (end - start === 3 && buffer[start + 2] === 0x54) {
    if (first === 0x47 && buffer[start + 1] === 0x45) return 'GET';
    if (first === 0x50 && buffer[start + 1] === 0x55) return 'PUT';
  } else if (end - start === 4 && buffer[start + 1] === 0x4f && buffer[start + 2] === 0x53 && first === 0x50) {
    if (buffer[start + 3] === 0x54) return 'POST';
  }
  return latin1(buffer, start, end);
}

function methodError(byte: number): number {
  if (byte === LF) return HeadError.bareLineFeed;
  return byte === CR ? HeadError.invalidRequestLine : HeadError.invalidMethod;
}

function targetError(byte: number): number {
  if (byte === LF) return HeadError.bareLineFeed;
  return byte === CR ? HeadError.invalidRequestLine : HeadError.invalidTarget;
}

/** Version, then the form of the target (RFC 9112 §3.2), once the line is known to its CR. */
function finishLine(head: RequestHead, buffer: Buffer): number {
  const major = buffer[head.mark + 5];
  const minor = buffer[head.mark + 7] as number;
  if (major !== 0x31 || minor > 0x31) {
    return head.method === 'PRI' && major === 0x32 ? HeadError.http2Preface : HeadError.unsupportedVersion;
  }
  head.minorVersion = minor - 0x30;
  // Reserved for the HTTP/2 preface (RFC 9113 §11.6): never a method of HTTP/1.
  if (head.method === 'PRI') return HeadError.invalidMethod;
  if (head.method === 'CONNECT') return HeadError.connectRefused;
  const target = head.target;
  if (target.charCodeAt(0) === 0x2f) {
    head.originForm = target;
    return 0;
  }
  if (target === '*') {
    head.originForm = target;
    return head.method === 'OPTIONS' ? 0 : HeadError.invalidTarget;
  }
  return readAbsoluteForm(head, target);
}

/** `http://authority[/path][?query]`; the scheme in any case, no userinfo (RFC 9110 §4.2.4). */
function readAbsoluteForm(head: RequestHead, target: string): number {
  const match = /^(https?):\/\/([^/?]*)(.*)$/i.exec(target);
  if (match === null) return HeadError.invalidTarget;
  const [, scheme = '', authority = '', rest = ''] = match;
  const host = parseHost(authority);
  if (host === undefined) return HeadError.invalidTarget;
  head.scheme = scheme.toLowerCase() === 'https' ? 'https' : 'http';
  head.authorityFromTarget = true;
  head.authority = authority;
  head.host = host.host;
  head.port = host.port;
  // RFC 9112 §3.2.4: OPTIONS without path and query is `*` behind a proxy.
  if (rest === '') head.originForm = head.method === 'OPTIONS' ? '*' : '/';
  else head.originForm = rest.charCodeAt(0) === 0x2f ? rest : `/${rest}`;
  return 0;
}
