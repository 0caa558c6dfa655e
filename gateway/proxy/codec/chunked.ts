import { CR, FIELD_VALUE, HEX, LF, TOKEN } from './bytes.ts';
import { FieldFlag, FieldSection, parseFields, SectionState } from './fields.ts';
import { HeadError } from './head-error.ts';
import { HeaderId, HeaderTrait, headerTraits } from './header-names.ts';

/** Takes what a chunked body holds, in order. */
export interface ChunkedSink {
  /** Content bytes; valid only during the call when the buffer is a shared one. */
  onData(buffer: Buffer, start: number, end: number): void;
  /** Called at the end when there were trailer fields; those flagged `notInTrailers` are to be dropped. Valid during the call. */
  onTrailers(trailers: FieldSection, buffer: Buffer): void;
}

export type ChunkedLimits = {
  /** Chunk extensions of a whole body; they carry nothing that is forwarded. */
  readonly extensionBytes: number;
  readonly trailerBytes: number;
  readonly trailerCount: number;
};

const DEFAULT_CHUNKED_LIMITS: ChunkedLimits = { extensionBytes: 4096, trailerBytes: 8192, trailerCount: 64 };

const State = {
  sizeStart: 0,
  size: 1,
  extensionName: 2,
  extensionNameRest: 3,
  extensionValue: 4,
  extensionToken: 5,
  quoted: 6,
  quotedPair: 7,
  afterQuoted: 8,
  sizeLineFeed: 9,
  data: 10,
  dataCarriageReturn: 11,
  dataLineFeed: 12,
  trailers: 13,
  done: 14,
} as const;

const MAX_SIZE_DIGITS = 16;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NO_BYTES = Buffer.alloc(0);

/**
 * Decodes a chunked body (RFC 9112 §7.1, no blanks anywhere in the framing) from any split of its bytes. One decoder may be reused
 * after {@link reset}.
 */
export class ChunkedDecoder {
  #state: number = State.sizeStart;
  #limits: ChunkedLimits;
  #digits = 0;
  #remaining = 0;
  #extensionBytes = 0;
  #trailers: FieldSection | undefined;
  #trailerBytes = NO_BYTES;
  #trailerLength = 0;

  constructor(limits: ChunkedLimits = DEFAULT_CHUNKED_LIMITS) {
    this.#limits = limits;
  }

  /** The body has ended, trailers included; bytes after it belong to the next message. */
  get done(): boolean {
    return this.#state === State.done;
  }

  reset(): void {
    this.#state = State.sizeStart;
    this.#extensionBytes = 0;
    this.#remaining = 0;
    this.#trailerBytes = NO_BYTES;
    this.#trailerLength = 0;
  }

  /** Takes the bytes `[start, end)`: the offset up to which they were used (`end` unless done), or a negative HeadError. */
  feed(buffer: Buffer, start: number, end: number, sink: ChunkedSink): number {
    let pos = start;
    while (pos < end) {
      if (this.#state === State.data) {
        const to = end - pos < this.#remaining ? end : pos + this.#remaining;
        sink.onData(buffer, pos, to);
        this.#remaining -= to - pos;
        pos = to;
        if (this.#remaining === 0) this.#state = State.dataCarriageReturn;
      } else if (this.#state === State.trailers) {
        return this.#feedTrailers(buffer, pos, end, sink);
      } else if (this.#state === State.done) {
        return pos;
      } else {
        const error = this.#step(buffer[pos] as number);
        if (error !== 0) return error;
        pos++;
      }
    }
    return pos;
  }

  /** One byte of framing. */
  #step(byte: number): number {
    switch (this.#state) {
      case State.sizeStart:
      case State.size:
        return this.#stepSize(byte);
      case State.sizeLineFeed:
        if (byte !== LF) return HeadError.bareCarriageReturn;
        this.#state = this.#remaining === 0 ? State.trailers : State.data;
        return 0;
      case State.dataCarriageReturn:
        this.#state = State.dataLineFeed;
        return byte === CR ? 0 : HeadError.invalidChunkEnd;
      case State.dataLineFeed:
        this.#state = State.sizeStart;
        return byte === LF ? 0 : HeadError.invalidChunkEnd;
      default:
        if (++this.#extensionBytes > this.#limits.extensionBytes) return HeadError.chunkExtensionTooLong;
        return this.#stepExtension(byte);
    }
  }

  #stepSize(byte: number): number {
    const digit = HEX[byte] as number;
    if (digit <= 15) {
      if (this.#state === State.sizeStart) {
        this.#remaining = 0;
        this.#digits = 0;
        this.#state = State.size;
      }
      this.#remaining = this.#remaining * 16 + digit;
      if (++this.#digits > MAX_SIZE_DIGITS || this.#remaining > Number.MAX_SAFE_INTEGER)
        return HeadError.invalidChunkSize;
      return 0;
    }
    if (this.#state === State.sizeStart) return HeadError.invalidChunkSize;
    if (byte === CR) this.#state = State.sizeLineFeed;
    else if (byte === SEMICOLON) this.#state = State.extensionName;
    else return byte === LF ? HeadError.bareLineFeed : HeadError.invalidChunkSize;
    return 0;
  }

  /** `*( ";" token [ "=" ( token / quoted-string ) ] )` (RFC 9112 §7.1.1). */
  #stepExtension(byte: number): number {
    const isToken = TOKEN[byte] === 1;
    switch (this.#state) {
      case State.extensionName:
        if (!isToken) break;
        this.#state = State.extensionNameRest;
        return 0;
      case State.extensionNameRest:
        if (isToken) return 0;
        if (byte !== EQUALS) return this.#endExtension(byte);
        this.#state = State.extensionValue;
        return 0;
      case State.extensionValue:
        if (!isToken && byte !== QUOTE) break;
        this.#state = isToken ? State.extensionToken : State.quoted;
        return 0;
      case State.extensionToken:
        return isToken ? 0 : this.#endExtension(byte);
      case State.quoted:
        if (byte === QUOTE) this.#state = State.afterQuoted;
        else if (byte === BACKSLASH) this.#state = State.quotedPair;
        else if (FIELD_VALUE[byte] === 0) break;
        return 0;
      case State.quotedPair:
        if (FIELD_VALUE[byte] === 0) break;
        this.#state = State.quoted;
        return 0;
      default:
        return this.#endExtension(byte);
    }
    return byte === LF ? HeadError.bareLineFeed : HeadError.invalidChunkExtension;
  }

  #endExtension(byte: number): number {
    if (byte === CR) this.#state = State.sizeLineFeed;
    else if (byte === SEMICOLON) this.#state = State.extensionName;
    else return byte === LF ? HeadError.bareLineFeed : HeadError.invalidChunkExtension;
    return 0;
  }

  /** Trailers are rare: they are collected aside, so that their offsets hold over reads. */
  #feedTrailers(buffer: Buffer, start: number, end: number, sink: ChunkedSink): number {
    if (this.#trailerLength === 0 && end - start >= 2 && buffer[start] === CR && buffer[start + 1] === LF) {
      this.#state = State.done;
      return start + 2;
    }
    const had = this.#trailerLength;
    if (had === 0) {
      this.#trailers ??= new FieldSection();
      this.#trailers.beginSection(SectionState.lineStart, 0);
    }
    const section = this.#trailers as FieldSection;
    const taken = Math.min(end - start, this.#limits.trailerBytes - had);
    this.#collect(buffer, start, start + taken);
    const parsed = parseFields(section, this.#trailerBytes, this.#trailerLength, this.#limits.trailerCount);
    if (parsed < 0) return parsed === HeadError.tooManyFields ? HeadError.trailersTooLarge : parsed;
    if (parsed === 0) return this.#trailerLength >= this.#limits.trailerBytes ? HeadError.trailersTooLarge : end;
    this.#state = State.done;
    if (section.count > 0) {
      if (!flagTrailers(section)) return HeadError.framingInTrailers;
      sink.onTrailers(section, this.#trailerBytes);
    }
    return start + parsed - had;
  }

  #collect(buffer: Buffer, start: number, end: number): void {
    const length = this.#trailerLength + end - start;
    if (this.#trailerBytes.length < length) {
      const larger = Buffer.allocUnsafe(Math.max(256, length * 2));
      this.#trailerBytes.copy(larger, 0, 0, this.#trailerLength);
      this.#trailerBytes = larger;
    }
    buffer.copy(this.#trailerBytes, this.#trailerLength, start, end);
    this.#trailerLength = length;
  }
}

/** False when a field would have framed the message, had it come in the head: somebody was meant to miss it there. */
function flagTrailers(section: FieldSection): boolean {
  for (let i = 0; i < section.count; i++) {
    if (section.ids[i] === HeaderId.contentLength || section.ids[i] === HeaderId.transferEncoding) return false;
    const forbidden = (headerTraits(section.ids[i] as number) & HeaderTrait.notInTrailers) !== 0;
    section.flags[i] = forbidden ? FieldFlag.notInTrailers : 0;
  }
  return true;
}

/** The last chunk and the end of a body without trailers. */
export const LAST_CHUNK = '0\r\n\r\n';

/** The line that goes before `size` content bytes (not 0); {@link CHUNK_END} goes after them. */
export function chunkStart(size: number): string {
  return `${size.toString(16)}\r\n`;
}

export const CHUNK_END = '\r\n';

/** The last chunk with the trailers that may be forwarded, as latin1. */
export function lastChunkWith(trailers: FieldSection, buffer: Buffer): string {
  let text = '0\r\n';
  for (let i = 0; i < trailers.count; i++) {
    if (trailers.flags[i] === 0) text += `${trailers.name(buffer, i)}: ${trailers.value(buffer, i)}\r\n`;
  }
  return `${text}\r\n`;
}
