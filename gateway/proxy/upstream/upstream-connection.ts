/**
 * One TCP connection to an endpoint: sends what it is given, reads responses strictly, and knows when it may serve
 * again. Bytes that nobody asked for end it. Opened and kept by the endpoint's pool, used by one exchange at a time.
 */
import type { Socket } from 'node:net';
import { ByteStash } from '../../support/byte-stash.ts';
import { Outlet } from '../../support/outlet.ts';
import { Deadline } from '../../support/timer-wheel.ts';
import { ChunkedDecoder, type ChunkedSink } from '../codec/chunked.ts';
import type { FieldSection } from '../codec/fields.ts';
import { headErrorInfo } from '../codec/head-error.ts';
import { parseResponseHead, type ResponseHead } from '../codec/response-head.ts';
import type { Fault } from '../types.ts';
import type { UpstreamContext } from './upstream-context.ts';
import type { UpstreamHandler } from './upstream-handler.ts';

const Reading = { nothing: 0, head: 1, length: 2, chunked: 3, untilClose: 4, tunnel: 5 } as const;

/** What the connection needs of the pool that owns it. */
export interface ConnectionOwner {
  readonly connectTimeoutMs: number;
  /** The response is whole and the connection may serve again (`reusable`) or must go. */
  released(connection: UpstreamConnection, reusable: boolean): void;
  closed(connection: UpstreamConnection): void;
}

export class UpstreamConnection implements ChunkedSink {
  readonly outlet: Outlet;
  readonly socket: Socket;
  connecting = true;
  /** Responses completed on it. */
  served = 0;
  /** Seconds the backend keeps it idle, -1 when it did not say. */
  keepAliveSeconds = -1;
  /** Neighbours in the pool's idle list. */
  newer: UpstreamConnection | undefined;
  older: UpstreamConnection | undefined;
  /** Connect or idle timeout. */
  readonly deadline: Deadline;
  readonly #context: UpstreamContext;
  readonly #owner: ConnectionOwner;
  #handler: UpstreamHandler | undefined;
  #reading: number = Reading.nothing;
  #remaining = 0;
  #partialHead: ByteStash | undefined;
  #head: ResponseHead | undefined;
  #decoder: ChunkedDecoder | undefined;
  #gotBytes = false;
  #keepAlive = false;
  #error: NodeJS.ErrnoException | undefined;
  #closed = false;
  /** Ended, broken or given up: no request may be sent on it. */
  #dead = false;

  constructor(
    context: UpstreamContext,
    owner: ConnectionOwner,
    connect: (onread: ReturnType<UpstreamContext['read']['onread']>) => Socket,
  ) {
    this.#context = context;
    this.#owner = owner;
    this.deadline = new Deadline(() => context.guarded(this, () => this.#expired()));
    this.socket = connect(context.read.onread((buffer, length) => this.#received(buffer, length)));
    this.outlet = new Outlet(this.socket);
    this.socket.on('connect', () => context.guarded(this, () => this.#connected()));
    this.socket.on('end', () => context.guarded(this, () => this.#ended()));
    this.socket.on('drain', () => context.guarded(this, () => this.#handler?.onDrain()));
    this.socket.on('error', (error) => {
      this.#dead = true;
      this.#error = error;
    });
    this.socket.on('close', () => context.guarded(this, () => this.#wasClosed()));
    context.wheel.set(this.deadline, owner.connectTimeoutMs);
  }

  /** Can a request be sent on it right now. */
  get usable(): boolean {
    return !this.#dead;
  }

  /** Local address as `address:port`, for the log. */
  get localAddress(): { address: string; port: number } {
    return { address: this.socket.localAddress ?? '', port: this.socket.localPort ?? 0 };
  }

  /** Gives the connection to an exchange; the next bytes are its response. */
  begin(handler: UpstreamHandler): void {
    this.#handler = handler;
    this.#reading = Reading.head;
    this.#gotBytes = false;
  }

  /** Ends the connection without a word to the handler: the exchange no longer wants it. */
  abandon(): void {
    this.#handler = undefined;
    this.destroy();
  }

  destroy(): void {
    this.#dead = true;
    this.socket.destroy();
  }

  #connected(): void {
    this.connecting = false;
    this.#context.wheel.remove(this.deadline);
    this.#handler?.onConnected();
  }

  #expired(): void {
    if (this.connecting)
      this.#fail({ what: 'connect-timeout', whose: 'upstream', retry: 'yes', detail: 'connect timeout' });
    else this.destroy();
  }

  #received(buffer: Buffer, length: number): void {
    try {
      this.#read(buffer, 0, length);
    } catch (error) {
      this.#context.report(error);
      this.failInternally();
    }
  }

  #read(buffer: Buffer, start: number, end: number): void {
    const handler = this.#handler;
    if (handler === undefined) {
      // RFC 9112 §9.2 knows no unsolicited responses: whatever it is, it must not answer the next request.
      this.destroy();
      return;
    }
    this.#gotBytes = true;
    let pos = start;
    while (pos < end && this.#handler === handler) {
      const next =
        this.#reading === Reading.head
          ? this.#readHead(handler, buffer, pos, end)
          : this.#readBody(handler, buffer, pos, end);
      if (next < 0) return;
      pos = next;
      if (this.#reading === Reading.nothing) {
        this.#finish(handler, pos === end);
        return;
      }
    }
    if (this.#handler === handler) handler.onReadDone();
  }

  /** Offset after the head, `end` while it is incomplete, -1 after a fault. */
  #readHead(handler: UpstreamHandler, buffer: Buffer, start: number, end: number): number {
    let bytes = buffer;
    let from = start;
    let to = end;
    if (this.#partialHead !== undefined) {
      this.#partialHead.append(buffer, start, end);
      bytes = this.#partialHead.buffer;
      from = 0;
      to = this.#partialHead.length;
    }
    const head = this.#head ?? this.#context.sharedHead();
    const after = parseResponseHead(head, bytes, from, to, this.#context.headLimits);
    if (after < 0) {
      this.#protocolError(after);
      return -1;
    }
    if (after === 0) {
      if (this.#partialHead === undefined) {
        this.#partialHead = new ByteStash(buffer, start, end);
        this.#head = this.#context.takeSharedHead();
      }
      return end;
    }
    // What is left lies at the end of `buffer` too: the stash only ever grew by whole reads.
    const left = to - after;
    this.#dispatchHead(handler, head, bytes, left);
    if (this.#partialHead !== undefined && this.#reading !== Reading.head) this.#forgetPartial();
    else if (this.#partialHead !== undefined) this.#partialHead = undefined;
    return this.#handler === handler ? end - left : -1;
  }

  #forgetPartial(): void {
    this.#partialHead = undefined;
    this.#head = undefined;
  }

  #dispatchHead(handler: UpstreamHandler, head: ResponseHead, bytes: Buffer, left: number): void {
    if (head.status < 200 && head.status !== 101) {
      handler.onInterim(head, bytes);
      return;
    }
    const framing = head.bodyFraming(handler.isHead);
    this.#keepAlive = head.keepAlive && framing !== 'close' && head.status !== 101;
    this.keepAliveSeconds = head.keepAliveSeconds;
    if (head.status === 101) this.#reading = Reading.tunnel;
    else if (framing === 'none' || (framing === 'length' && head.contentLength === 0)) this.#reading = Reading.nothing;
    else if (framing === 'length') {
      this.#reading = Reading.length;
      this.#remaining = head.contentLength;
    } else if (framing === 'chunked') {
      this.#reading = Reading.chunked;
      this.#decoder ??= new ChunkedDecoder();
      this.#decoder.reset();
    } else this.#reading = Reading.untilClose;
    handler.onHead(head, bytes, framing, left);
  }

  #readBody(handler: UpstreamHandler, buffer: Buffer, start: number, end: number): number {
    if (this.#reading === Reading.length) {
      const to = end - start < this.#remaining ? end : start + this.#remaining;
      this.#remaining -= to - start;
      if (this.#remaining === 0) this.#reading = Reading.nothing;
      handler.onBody(buffer, start, to);
      return to;
    }
    if (this.#reading === Reading.chunked) return this.#readChunked(buffer, start, end);
    handler.onBody(buffer, start, end);
    return end;
  }

  #readChunked(buffer: Buffer, start: number, end: number): number {
    const decoder = this.#decoder as ChunkedDecoder;
    const next = decoder.feed(buffer, start, end, this);
    if (next < 0) {
      if (this.#handler !== undefined) this.#protocolError(next);
      return -1;
    }
    if (decoder.done) this.#reading = Reading.nothing;
    return next;
  }

  /** ChunkedSink; the exchange may have gone during an earlier span. */
  onData(buffer: Buffer, start: number, end: number): void {
    this.#handler?.onBody(buffer, start, end);
  }

  onTrailers(trailers: FieldSection, buffer: Buffer): void {
    this.#handler?.onTrailers(trailers, buffer);
  }

  /** The response is whole. The connection goes back first, so that the next request may take it. */
  #finish(handler: UpstreamHandler, readAll: boolean): void {
    if (this.#handler !== handler) return;
    this.#handler = undefined;
    this.served += 1;
    this.#reading = Reading.nothing;
    this.#owner.released(this, this.#keepAlive && readAll && handler.requestSent && this.usable);
    handler.onEnd();
  }

  /** The backend sends no more. */
  #ended(): void {
    this.#dead = true;
    const handler = this.#handler;
    if (handler === undefined) this.destroy();
    else if (this.#reading === Reading.untilClose) {
      this.#keepAlive = false;
      this.#finish(handler, true);
    } else if (this.#reading === Reading.tunnel) handler.onTunnelEnd();
    else this.#fail(this.#resetFault('closed by the backend'));
  }

  #wasClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#dead = true;
    this.#context.wheel.remove(this.deadline);
    this.#owner.closed(this);
    if (this.#handler !== undefined)
      this.#fail(this.connecting ? this.#connectFault() : this.#resetFault(this.#error?.code ?? 'closed'));
  }

  #connectFault(): Fault {
    const detail = this.#error?.code ?? 'closed';
    if (detail === 'EDESTINATION')
      return { what: 'destination-refused', whose: 'upstream', retry: 'yes', detail: this.#error?.message ?? detail };
    return { what: 'connect-failed', whose: 'upstream', retry: 'yes', detail };
  }

  #resetFault(detail: string): Fault {
    const unanswered = this.served > 0 ? 'if-reused' : 'if-ending';
    return { what: 'reset', whose: 'upstream', retry: this.#gotBytes ? 'never' : unanswered, detail };
  }

  #protocolError(code: number): void {
    this.#context.counters.upstream_protocol_errors += 1;
    this.#fail({ what: 'protocol-error', whose: 'upstream', retry: 'never', detail: headErrorInfo(code).detail });
  }

  #fail(fault: Fault): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.destroy();
    handler?.onFault(fault);
  }

  /** An exception in our own code while this connection was being worked on. */
  failInternally(): void {
    this.#fail({ what: 'exception', whose: 'internal', retry: 'never', detail: 'internal error' });
  }
}
