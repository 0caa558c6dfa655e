/**
 * One client connection: takes requests from it one after the other, keeps what comes too early (bounded, the client
 * then waits), and closes so that the last answer arrives. It knows nothing of routes and backends.
 * Opened by the proxy with an accepted or TLS-terminated socket; ends itself, and tells the proxy.
 */
import type { Socket } from 'node:net';
import { ByteStash } from '../support/byte-stash.ts';
import { Outlet } from '../support/outlet.ts';
import { Deadline } from '../support/timer-wheel.ts';
import { parseRequestHead, type RequestHead } from './codec/request-head.ts';
import { Exchange, type Road } from './exchange.ts';
import { addressPort, plainAddress } from './filter/client-address.ts';
import type { ForwardingPeer } from './filter/forwarded-request.ts';
import type { ProxyContext } from './proxy-context.ts';
import { malformedRequest, replies } from './reply/replies.ts';
import type { Arrival } from './types.ts';

const Phase = { idle: 0, head: 1, exchange: 2, draining: 3, closing: 4, closed: 5 } as const;

/** After the last answer the client has this long to close its half; data it still sends is thrown away meanwhile. */
const LINGER_MS = 2_000;

export class DownstreamConnection {
  readonly socket: Socket;
  readonly arrival: Arrival;
  readonly outlet: Outlet;
  readonly peer: ForwardingPeer;
  /** Requests so far. */
  requests = 0;
  readonly #context: ProxyContext;
  readonly #road: Road;
  /** Made for the first bytes: a browser opens connections ahead of any need, and a handshake alone needs none. */
  #exchange: Exchange | undefined;
  readonly #deadline: Deadline;
  readonly #onClosed: (connection: DownstreamConnection) => void;
  #phase: number = Phase.idle;
  /** Bytes of a partial head, or bytes that came while an exchange was going on. */
  #kept: ByteStash | undefined;
  #ownHead: RequestHead | undefined;
  #paused = false;
  #clientEnded = false;
  #isServing = false;

  constructor(options: {
    context: ProxyContext;
    socket: Socket;
    arrival: Arrival;
    road: Road;
    onClosed: (connection: DownstreamConnection) => void;
  }) {
    const { context, socket, arrival } = options;
    this.#context = context;
    this.socket = socket;
    this.arrival = arrival;
    this.#onClosed = options.onClosed;
    this.outlet = new Outlet(socket);
    this.peer = {
      address: plainAddress(arrival.peer.address),
      scheme: arrival.tls === undefined ? 'http' : 'https',
    };
    this.#road = options.road;
    this.#deadline = new Deadline(() => this.#guarded(() => this.#expired()));
  }

  /** Begins to read. */
  start(): void {
    const { socket } = this;
    // The client may end its half after the request and still wait for the answer.
    socket.allowHalfOpen = true;
    socket.on('end', () => this.#guarded(() => this.#ended()));
    socket.on('drain', () => this.#guarded(() => this.#drained()));
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.#guarded(() => this.#wasClosed()));
    this.#context.wheel.touch();
    this.setDeadline(this.#context.settings.timeouts.keepAliveMs);
    const read = this.arrival.tls === undefined ? this.#context.plainRead : this.#context.tlsRead;
    read.attach(socket, (buffer, length) => this.#received(buffer, length));
  }

  get remotePort(): number {
    return this.arrival.peer.port;
  }

  /** `address:port` of our end. */
  get localLabel(): string {
    return addressPort(plainAddress(this.socket.localAddress ?? ''), this.socket.localPort ?? 0);
  }

  /** The one deadline of the connection: `ms` from the wheel's now. */
  setDeadline(ms: number): void {
    this.#context.wheel.set(this.#deadline, ms);
  }

  /** The backend does not keep up with the request body. */
  pauseReading(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.socket.pause();
  }

  /** The exchange takes request bytes (again): gives it what was kept, then reads on. */
  feedKept(): void {
    const kept = this.#kept;
    if (kept !== undefined) {
      this.#kept = undefined;
      const used = this.#current().forwarding.feed(kept.buffer, 0, kept.length);
      if (this.#phase !== Phase.exchange) return;
      if (used < kept.length) this.#keep(kept.buffer, used, kept.length);
    }
    if (this.#clientEnded && this.#kept === undefined) this.#current().forwarding.clientEnded();
    this.#readOn();
  }

  /** The answer was handed over. `keepAlive`: another request may follow on this connection. */
  exchangeEnded(keepAlive: boolean): void {
    if (this.#phase !== Phase.exchange) return;
    if (!keepAlive) {
      this.close();
      return;
    }
    if (this.socket.writableNeedDrain) {
      // The next request waits until this answer has left our memory.
      this.#phase = Phase.draining;
      this.setDeadline(this.#context.settings.timeouts.streamIdleMs);
      return;
    }
    this.#next();
  }

  /** The worker drains: idle connections may bring one more request for a moment. */
  drain(idleMs: number): void {
    if (this.#phase === Phase.idle) this.setDeadline(idleMs);
  }

  /** Sends what is queued and our FIN, throws away what still comes, and ends. */
  close(): void {
    if (this.#phase >= Phase.closing) return;
    this.#phase = Phase.closing;
    this.#kept = undefined;
    this.outlet.flush();
    this.setDeadline(this.#context.settings.timeouts.streamIdleMs);
    this.socket.end(() => {
      if (this.#phase !== Phase.closing) return;
      // Closing with unread data would reset the connection and could destroy the answer on its way.
      if (this.#clientEnded) this.socket.destroy();
      else this.setDeadline(LINGER_MS);
    });
    // A client that has ended sends nothing more that would have to be thrown away.
    if (this.#clientEnded) return;
    this.#paused = false;
    this.socket.resume();
  }

  /** Breaks the connection so that the client cannot take what it has for whole. */
  reset(): void {
    if (this.#phase === Phase.closed) return;
    this.#phase = Phase.closing;
    this.#kept = undefined;
    this.outlet.discard();
    if (this.arrival.tls === undefined) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  #received(buffer: Buffer, length: number): void {
    try {
      switch (this.#phase) {
        case Phase.idle:
          this.#serve(buffer, 0, length);
          break;
        case Phase.head: {
          const kept = this.#kept as ByteStash;
          kept.append(buffer, 0, length);
          this.#serve(kept.buffer, 0, kept.length);
          break;
        }
        case Phase.exchange: {
          const used = this.#kept === undefined ? this.#current().forwarding.feed(buffer, 0, length) : 0;
          if (used < length) this.#keep(buffer, used, length);
          break;
        }
        case Phase.draining:
          this.#keep(buffer, 0, length);
          break;
        default: // closing: thrown away
      }
    } catch (error) {
      this.#broke(error);
    }
  }

  /** Takes requests from `[start, end)` as long as each is answered at once; keeps the rest. */
  #serve(buffer: Buffer, start: number, end: number): void {
    let pos = start;
    this.#isServing = true;
    while (pos < end && this.#phase <= Phase.head) {
      const head = this.#ownHead ?? this.#context.sharedHead();
      const after = parseRequestHead(head, buffer, pos, end, this.#context.headLimits);
      if (after === 0) {
        this.#awaitHead(buffer, pos, end);
        break;
      }
      this.#ownHead = undefined;
      this.#kept = undefined;
      this.#phase = Phase.exchange;
      if (after < 0) {
        this.#current().refuse(malformedRequest(after));
        break;
      }
      pos = this.#current().begin(head, buffer, after, end);
    }
    this.#isServing = false;
    if (this.#phase === Phase.exchange || this.#phase === Phase.draining) {
      if (pos < end) this.#keep(buffer, pos, end);
    } else this.#readOn();
  }

  #awaitHead(buffer: Buffer, start: number, end: number): void {
    if (this.#phase === Phase.head) return; // all of it is kept already
    this.#phase = Phase.head;
    this.#ownHead = this.#context.takeSharedHead();
    this.#kept = new ByteStash(buffer, start, end);
    this.#context.wheel.touch();
    this.setDeadline(this.#context.settings.timeouts.headerMs);
  }

  /** Keeps bytes for later, and lets the client wait: at most about one read is kept. */
  #keep(buffer: Buffer, start: number, end: number): void {
    if (this.#phase >= Phase.closing) return;
    if (this.#kept === undefined) this.#kept = new ByteStash(buffer, start, end);
    else this.#kept.append(buffer, start, end);
    this.pauseReading();
  }

  #current(): Exchange {
    this.#exchange ??= new Exchange(this.#context, this, this.#road);
    return this.#exchange;
  }

  #next(): void {
    const { keepAliveMs, drainIdleMs } = this.#context.settings.timeouts;
    this.#phase = Phase.idle;
    this.setDeadline(this.#context.draining ? drainIdleMs : keepAliveMs);
    if (this.#isServing) return;
    const kept = this.#kept;
    if (kept === undefined) {
      this.#readOn();
      return;
    }
    this.#kept = undefined;
    try {
      this.#serve(kept.buffer, 0, kept.length);
    } catch (error) {
      // Mostly called by the backend's connection, which has nothing to do with the request that begins here.
      this.#broke(error);
    }
  }

  /** Reads on if nothing stands against it; ends if the client already has. */
  #readOn(): void {
    if (this.#phase === Phase.idle && this.#clientEnded) {
      this.close();
      return;
    }
    const waits =
      this.#phase === Phase.exchange && (this.#kept !== undefined || this.#current().forwarding.blocksClient);
    if (!this.#paused || waits || this.#phase >= Phase.draining) return;
    this.#paused = false;
    this.socket.resume();
  }

  #ended(): void {
    this.#clientEnded = true;
    // Nothing is owed to a client that ends between requests; over TLS our close_notify is (RFC 8446 §6.1).
    if (this.#phase === Phase.idle && this.arrival.tls === undefined) this.socket.destroy();
    else if (this.#phase === Phase.idle) this.close();
    else if (this.#phase === Phase.head) this.socket.destroy();
    else if (this.#phase === Phase.exchange) {
      // What is kept comes before the end: `feedKept` passes both on.
      if (this.#kept === undefined) this.#current().forwarding.clientEnded();
    } else if (this.#phase === Phase.closing && this.socket.writableFinished) this.socket.destroy();
  }

  #drained(): void {
    if (this.#phase === Phase.draining) {
      this.#context.wheel.touch();
      this.#next();
    } else if (this.#phase === Phase.exchange) {
      this.#context.wheel.touch();
      this.#current().forwarding.clientDrained();
    }
  }

  #expired(): void {
    switch (this.#phase) {
      case Phase.idle:
        this.close();
        break;
      case Phase.head:
        this.#phase = Phase.exchange;
        this.#context.metrics.counters.downstream_timeouts += 1;
        this.#current().refuse(replies.headTimeout);
        break;
      case Phase.exchange:
        this.#current().forwarding.expired();
        break;
      default:
        this.socket.destroy();
    }
  }

  #wasClosed(): void {
    if (this.#phase === Phase.closed) return;
    const open = this.#exchange?.open === true ? this.#exchange : undefined;
    this.#phase = Phase.closed;
    this.#kept = undefined;
    this.#context.wheel.remove(this.#deadline);
    this.#onClosed(this);
    open?.clientGone();
  }

  #guarded(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#broke(error);
    }
  }

  /** An exception in our own code costs this exchange, nothing else. */
  #broke(error: unknown): void {
    this.#isServing = false;
    this.#context.report(error);
    try {
      this.#current().failInternally();
    } catch (second) {
      this.#context.report(second);
      this.reset();
    }
  }
}
