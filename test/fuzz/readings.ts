import { ChunkedDecoder } from '#gateway/proxy/codec/chunked.ts';
import type { FieldSection } from '#gateway/proxy/codec/fields.ts';
import type { MessageHead } from '#gateway/proxy/codec/framing.ts';
import { headErrorInfo } from '#gateway/proxy/codec/head-error.ts';
import { type HeadLimits, parseRequestHead, RequestHead } from '#gateway/proxy/codec/request-head.ts';
import { parseResponseHead, ResponseHead } from '#gateway/proxy/codec/response-head.ts';

/** One message as a parser understood it; header names in lower case, pairs in order. */
export type Message = {
  readonly start: string;
  readonly headers: readonly string[];
  body: string;
  trailers: readonly string[];
  complete: boolean;
};

/** What a parser made of a stream: its messages, and how it ended. */
export type Reading = {
  readonly messages: Message[];
  /** `end`, `incomplete`, `closed` (the messages end the connection before the bytes do) or the detail of an error. */
  end: string;
};

export const LIMITS: HeadLimits = { headerBytes: 8192, targetBytes: 512, headerCount: 40 };

/** Reads a request stream with our codec the way the engine does; `shift` moves the bytes to other offsets at each read. */
export function readRequests(pieces: readonly Buffer[], shift: () => number): Reading {
  const head = new RequestHead();
  return readStream(pieces, shift, {
    head,
    parse: (buffer, start, end) => parseRequestHead(head, buffer, start, end, LIMITS),
    startLine: () => `${head.method} ${head.target} 1.${head.minorVersion}`,
    framing: () => (head.chunked ? 'chunked' : head.contentLength > 0 ? 'length' : 'none'),
    isLast: () => !head.keepAlive,
  });
}

/** Reads the responses on a connection on which `GET` was asked again and again. */
export function readResponses(pieces: readonly Buffer[], shift: () => number): Reading {
  const head = new ResponseHead();
  return readStream(pieces, shift, {
    head,
    parse: (buffer, start, end) => parseResponseHead(head, buffer, start, end, LIMITS),
    startLine: () => `${head.status} ${head.reason} 1.${head.minorVersion}`,
    framing: () => head.bodyFraming(false),
    isLast: () => head.status === 101 || (!head.keepAlive && head.status >= 200),
  });
}

/** A reading in one line, as the corpus notes it. */
export function outcomeOf({ messages, end }: Reading): string {
  const whole = messages.filter(({ complete }) => complete).length;
  return `${whole} whole, then ${end}`;
}

type Dialect = {
  readonly head: MessageHead;
  parse(buffer: Buffer, start: number, end: number): number;
  startLine(): string;
  framing(): 'none' | 'length' | 'chunked' | 'close';
  isLast(): boolean;
};

function readStream(pieces: readonly Buffer[], shift: () => number, dialect: Dialect): Reading {
  const reading: Reading = { messages: [], end: 'end' };
  const decoder = new ChunkedDecoder({ extensionBytes: 256, trailerBytes: 1024, trailerCount: 10 });
  let rest: Buffer = Buffer.alloc(0);
  let message: Message | undefined;
  let remaining = 0;
  let framing: 'none' | 'length' | 'chunked' | 'close' = 'none';
  let last = false;
  let body: string[] = [];
  const sink = {
    onData: (buffer: Buffer, start: number, end: number) => body.push(buffer.toString('latin1', start, end)),
    onTrailers: (trailers: FieldSection, buffer: Buffer) => {
      if (message !== undefined) message.trailers = pairs(trailers, buffer);
    },
  };
  const finish = (complete: boolean): void => {
    if (message === undefined) return;
    message.body = body.join('');
    message.complete = complete;
    body = [];
    message = undefined;
  };
  for (const piece of pieces) {
    const offset = shift();
    const buffer = Buffer.alloc(offset + rest.length + piece.length + 3, 0x0a);
    rest.copy(buffer, offset);
    piece.copy(buffer, offset + rest.length);
    const end = offset + rest.length + piece.length;
    let pos = offset;
    rest = Buffer.alloc(0);
    while (pos < end) {
      if (last && message === undefined) {
        reading.end = 'closed';
        return reading;
      }
      if (message === undefined) {
        const next = dialect.parse(buffer, pos, end);
        if (next < 0) {
          reading.end = headErrorInfo(next).detail;
          return reading;
        }
        if (next === 0) {
          rest = Buffer.from(buffer.subarray(pos, end));
          break;
        }
        message = {
          start: dialect.startLine(),
          headers: pairs(dialect.head, buffer),
          body: '',
          trailers: [],
          complete: false,
        };
        reading.messages.push(message);
        framing = dialect.framing();
        last = dialect.isLast();
        remaining = dialect.head.contentLength;
        decoder.reset();
        pos = next;
        if (framing === 'none' || (framing === 'length' && remaining === 0)) finish(true);
      } else if (framing === 'chunked') {
        const next = decoder.feed(buffer, pos, end, sink);
        if (next < 0) {
          finish(false);
          reading.end = headErrorInfo(next).detail;
          return reading;
        }
        pos = next;
        if (decoder.done) finish(true);
      } else {
        const to = framing === 'close' ? end : Math.min(end, pos + remaining);
        sink.onData(buffer, pos, to);
        remaining -= to - pos;
        pos = to;
        if (framing === 'length' && remaining === 0) finish(true);
      }
    }
  }
  if (message !== undefined && framing === 'close') finish(true);
  else if (message !== undefined || rest.length > 0) {
    finish(false);
    reading.end = 'incomplete';
  }
  return reading;
}

function pairs(section: FieldSection, buffer: Buffer): string[] {
  const list: string[] = [];
  for (let i = 0; i < section.count; i++) list.push(section.name(buffer, i).toLowerCase(), section.value(buffer, i));
  return list;
}
