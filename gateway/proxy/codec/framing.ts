import { COMMA, equalsIgnoringCase, HTAB, SP, TOKEN } from './bytes.ts';
import { FieldFlag, FieldSection } from './fields.ts';
import { HeadError } from './head-error.ts';
import { HeaderId, HeaderTrait, headerIdOf, headerTraits } from './header-names.ts';

/** Names that Connection may list; more is an attack, not a client. */
const MAX_NOMINATIONS = 32;

/** What the fields of a head say about the connection and the body that follows, for requests and responses alike. */
export class MessageHead extends FieldSection {
  /** 0 or 1: HTTP/1.0 or HTTP/1.1. */
  minorVersion = 1;
  /** -1 when there is no Content-Length. */
  contentLength = -1;
  /** Transfer-Encoding is exactly `chunked`. */
  chunked = false;
  /** The connection may carry another message after this one, as far as the sender is concerned. */
  keepAlive = true;
  /** Connection lists `close`. */
  connectionClose = false;
  /** The Upgrade value, lower case, when Connection lists `upgrade`; else empty. */
  upgrade = '';
  /** `TE` accepts trailers. */
  teTrailers = false;
  /** Index of the Host field, or -1. */
  hostIndex = -1;

  resetFraming(): void {
    this.minorVersion = 1;
    this.contentLength = -1;
    this.chunked = false;
    this.keepAlive = true;
    this.connectionClose = false;
    this.upgrade = '';
    this.teTrailers = false;
    this.hostIndex = -1;
  }
}

/** Tokens of Connection that are understood rather than nominations. */
const ConnectionOption = { close: 1, keepAlive: 2, upgrade: 4 } as const;

/**
 * Reads the framing and connection fields of a whole section: 0, or a negative {@link HeadError}. Anything that another parser
 * could read as another body length is refused, a repeated identical Content-Length too (RFC 9112 §6.3 allows either).
 */
export function readFraming(head: MessageHead, buffer: Buffer): number {
  let options = 0;
  let upgradeIndex = -1;
  let encodingIndex = -1;
  let hasConnection = false;
  for (let i = 0; i < head.count; i++) {
    const id = head.ids[i] as number;
    if (id === HeaderId.other) continue;
    if ((headerTraits(id) & HeaderTrait.hopByHop) !== 0) head.flags[i] = FieldFlag.hopByHop;
    if (id === HeaderId.contentLength) {
      if (head.contentLength !== -1) return HeadError.repeatedContentLength;
      head.contentLength = parseLength(buffer, head.valueStart[i] as number, head.valueEnd[i] as number);
      if (head.contentLength < 0) return HeadError.invalidContentLength;
    } else if (id === HeaderId.transferEncoding) {
      if (encodingIndex !== -1) return HeadError.invalidTransferEncoding;
      encodingIndex = i;
    } else if (id === HeaderId.host) {
      if (head.hostIndex !== -1) return HeadError.repeatedHost;
      head.hostIndex = i;
    } else if (id === HeaderId.connection) {
      hasConnection = true;
    } else if (id === HeaderId.upgrade) {
      upgradeIndex = upgradeIndex === -1 ? i : -2;
    } else if (id === HeaderId.te) {
      head.teTrailers ||= /(^|,)[ \t]*trailers[ \t]*(,|$)/i.test(head.value(buffer, i));
    }
  }
  if (encodingIndex !== -1) {
    const error = readEncoding(head, buffer, encodingIndex);
    if (error !== 0) return error;
  }
  if (hasConnection) {
    options = readConnection(head, buffer);
    if (options < 0) return options;
  }
  head.connectionClose = (options & ConnectionOption.close) !== 0;
  head.keepAlive = !head.connectionClose && (head.minorVersion === 1 || (options & ConnectionOption.keepAlive) !== 0);
  if ((options & ConnectionOption.upgrade) !== 0 && upgradeIndex >= 0) {
    head.upgrade = head.value(buffer, upgradeIndex).toLowerCase();
  }
  return 0;
}

/** `1*DIGIT` up to 2^53 - 1, or -1. */
function parseLength(buffer: Uint8Array, start: number, end: number): number {
  if (start === end) return -1;
  let length = 0;
  for (let i = start; i < end; i++) {
    const digit = (buffer[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
    if (length > Number.MAX_SAFE_INTEGER) return -1;
  }
  return length;
}

function readEncoding(head: MessageHead, buffer: Buffer, index: number): number {
  // RFC 9112 §6.1: a server that gets both lengths may refuse; so does everyone who does not want to guess.
  if (head.contentLength !== -1) return HeadError.lengthAndEncoding;
  if (head.minorVersion === 0) return HeadError.encodingInHttp10;
  if (equalsIgnoringCase(buffer, head.valueStart[index] as number, head.valueEnd[index] as number, 'chunked')) {
    head.chunked = true;
    return 0;
  }
  const codings = head
    .value(buffer, index)
    .toLowerCase()
    .split(/[ \t]*,[ \t]*/);
  const wellFormed = codings.every((coding) => /^[a-z0-9-]+$/.test(coding));
  return wellFormed && codings.indexOf('chunked') === codings.length - 1
    ? HeadError.unsupportedTransferEncoding
    : HeadError.invalidTransferEncoding;
}

function readConnection(head: MessageHead, buffer: Buffer): number {
  let options = 0;
  let nominations = 0;
  for (let i = 0; i < head.count; i++) {
    if (head.ids[i] !== HeaderId.connection) continue;
    let pos = head.valueStart[i] as number;
    const end = head.valueEnd[i] as number;
    while (pos < end) {
      const start = pos;
      while (pos < end && TOKEN[buffer[pos] as number] === 1) pos++;
      const option = start === pos ? 0 : optionOf(buffer, start, pos);
      if (option !== 0) options |= option;
      else if (start !== pos) {
        if (++nominations > MAX_NOMINATIONS) return HeadError.invalidConnection;
        nominate(head, buffer, start, pos);
      }
      while (pos < end && (buffer[pos] === SP || buffer[pos] === HTAB)) pos++;
      if (pos < end && buffer[pos] !== COMMA) return HeadError.invalidConnection;
      pos++;
      while (pos < end && (buffer[pos] === SP || buffer[pos] === HTAB)) pos++;
    }
  }
  return options;
}

function optionOf(buffer: Uint8Array, start: number, end: number): number {
  if (equalsIgnoringCase(buffer, start, end, 'close')) return ConnectionOption.close;
  if (equalsIgnoringCase(buffer, start, end, 'keep-alive')) return ConnectionOption.keepAlive;
  if (equalsIgnoringCase(buffer, start, end, 'upgrade')) return ConnectionOption.upgrade;
  return 0;
}

/** Marks the fields with the name at `[start, end)`, unless it is one that nobody may have removed. */
function nominate(head: MessageHead, buffer: Uint8Array, start: number, end: number): void {
  const id = headerIdOf(buffer, start, end);
  if ((headerTraits(id) & HeaderTrait.protected) !== 0) return;
  for (let i = 0; i < head.count; i++) {
    if (head.ids[i] === id && sameName(buffer, start, end, head.nameStart[i] as number, head.nameEnd[i] as number)) {
      head.flags[i] = (head.flags[i] as number) | FieldFlag.nominated;
    }
  }
}

function sameName(buffer: Uint8Array, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  if (end - start !== otherEnd - otherStart) return false;
  for (let i = start, j = otherStart; i < end; i++, j++) {
    if (lower(buffer[i] as number) !== lower(buffer[j] as number)) return false;
  }
  return true;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
