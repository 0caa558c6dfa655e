/**
 * The upstream half of an exchange: sends the request to an endpoint of a cluster, again to another one where that
 * is safe, and relays what comes back. It decides no status code; faults go to the exchange, which answers.
 */
import { latin1 } from '../support/latin1.ts';
import { ResponseFlag } from '../telemetry/response-flags.ts';
import type { EndpointRuntime } from './cluster-runtime.ts';
import type { FieldSection } from './codec/fields.ts';
import type { BodyFraming, ResponseHead } from './codec/response-head.ts';
import type { Exchange } from './exchange.ts';
import { addressPort } from './filter/client-address.ts';
import { forwardedResponse } from './filter/forwarded-response.ts';
import type { ForwardTarget } from './forward-target.ts';
import { malformedRequest, replies } from './reply/replies.ts';
import { ResponseRelay } from './response-relay.ts';
import { type AttemptedRequest, mayRetry } from './retry-policy.ts';
import { StreamDeadlines } from './stream-deadlines.ts';
import type { Fault } from './types.ts';
import type { UpstreamConnection } from './upstream/upstream-connection.ts';
import type { UpstreamHandler } from './upstream/upstream-handler.ts';

/** Bodies up to this size that have come with the head travel in one write with it, and can be sent again. */
const HELD_BODY_BYTES = 8 * 1024;

export class Forwarding implements UpstreamHandler {
  readonly #exchange: Exchange;
  readonly #relay: ResponseRelay;
  readonly #deadlines: StreamDeadlines;
  #upstream: UpstreamConnection | undefined;
  #endpoint: EndpointRuntime | undefined;
  #tried: EndpointRuntime[] | undefined;
  #attempts = 0;
  /** A connection was stale: from then on only fresh ones are tried. */
  #metStale = false;
  /** Head, and the body if it is held. */
  #text = '';
  /** The whole request is in `#text`. */
  #held = false;
  #sentAt = 0;
  #isCounted = false;
  #headSent = false;
  /** The response had come whole when its head was read. */
  #cameWhole = false;
  #tunnel = false;
  /** Reads of the client are paused because the backend does not keep up, or the other way round. */
  #clientBlocked = false;
  #upstreamBlocked = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.#relay = new ResponseRelay();
    this.#deadlines = new StreamDeadlines(exchange);
  }

  get isHead(): boolean {
    return this.#exchange.isHead;
  }

  get requestSent(): boolean {
    return this.#exchange.body.done;
  }

  /** Reads from the client must wait, although nothing of theirs is kept. */
  get blocksClient(): boolean {
    return this.#clientBlocked;
  }

  /** After 101: bytes go both ways as they are. */
  get isTunnel(): boolean {
    return this.#tunnel;
  }

  /** A new request begins. */
  reset(): void {
    this.#attempts = 0;
    this.#metStale = false;
    this.#tried = undefined;
    this.#headSent = false;
    this.#tunnel = false;
    this.#clientBlocked = false;
    this.#upstreamBlocked = false;
  }

  /** Sends the arriving request to one of the target's clusters. */
  start(target: ForwardTarget): void {
    const exchange = this.#exchange;
    const cluster = target.next();
    exchange.cluster = cluster;
    if (cluster?.host === undefined) {
      exchange.reply(replies.clusterNotFound);
      return;
    }
    if (cluster.active >= exchange.context.settings.limits.pendingPerCluster) {
      exchange.reply(replies.overflow);
      return;
    }
    cluster.active += 1;
    this.#isCounted = true;
    this.#deadlines.begin(target.timeoutMs);
    this.#compose(cluster.host, target.reliedOn);
    this.#awaitNext();
    this.#attempt();
  }

  /** Takes request body bytes: the offset up to which they were taken. */
  feed(buffer: Buffer, start: number, end: number): number {
    const upstream = this.#upstream;
    const exchange = this.#exchange;
    if (this.#tunnel && upstream !== undefined) {
      exchange.body.bytes += end - start;
      upstream.outlet.bytes(buffer, start, end);
      this.#flushUpstream(upstream);
      this.#deadlines.active();
      return end;
    }
    if (exchange.body.done || upstream === undefined || upstream.connecting) return start;
    const next = exchange.body.feed(buffer, start, end, upstream.outlet);
    if (next < 0) {
      exchange.context.metrics.counters.downstream_protocol_errors += 1;
      if (this.#headSent) this.#endClient(faultOfClient('malformed body'));
      else exchange.reply(malformedRequest(next));
      return end;
    }
    this.#awaitNext();
    this.#flushUpstream(upstream);
    return next;
  }

  /** The exchange goes another way; the upstream connection, if any, cannot be used again. */
  stop(): void {
    const upstream = this.#upstream;
    this.#release();
    upstream?.abandon();
  }

  failInternally(): void {
    this.#end({ what: 'exception', whose: 'internal', retry: 'never', detail: 'internal error' });
  }

  /** The client takes more of the response again. */
  clientDrained(): void {
    if (!this.#upstreamBlocked) return;
    this.#upstreamBlocked = false;
    this.#deadlines.active();
    this.#upstream?.socket.resume();
  }

  /** The client will send no more. */
  clientEnded(): void {
    if (this.#tunnel) this.#upstream?.socket.end();
    else if (!this.#exchange.body.done) this.#exchange.clientGone();
  }

  /** The deadline that was set last has passed. */
  expired(): void {
    const { counters } = this.#exchange.context.metrics;
    counters.downstream_timeouts += 1;
    if (!this.#exchange.body.done && !this.#clientBlocked && !this.#tunnel) {
      if (this.#headSent) this.#endClient(faultOfClient('body idle timeout'));
      else this.#exchange.reply(replies.bodyTimeout);
    } else if (this.#deadlines.routeExpired || !(this.#headSent || this.#clientBlocked)) {
      this.#end({ what: 'response-timeout', whose: 'upstream', retry: 'never', detail: 'response timeout' });
    } else {
      this.#end({ what: 'stream-idle', whose: 'upstream', retry: 'never', detail: 'stream idle timeout' });
    }
  }

  onConnected(): void {
    if (this.#upstream !== undefined) this.#send(this.#upstream);
  }

  onInterim(head: ResponseHead, buffer: Buffer): void {
    // RFC 9110 §15.2: HTTP/1.0 knows no 1xx.
    if (this.#exchange.minorVersion === 0) return;
    this.#exchange.connection.outlet.text(forwardedResponse(head, buffer, INTERIM));
  }

  onHead(head: ResponseHead, buffer: Buffer, framing: BodyFraming, available: number): void {
    const exchange = this.#exchange;
    const { context, connection } = exchange;
    const now = performance.now();
    context.wheel.now = now;
    if (head.status === 101 && (exchange.upgrade === '' || head.upgrade !== exchange.upgrade)) {
      context.metrics.counters.upstream_protocol_errors += 1;
      this.#end({ what: 'protocol-error', whose: 'upstream', retry: 'never', detail: 'unexpected 101' });
      return;
    }
    this.#headSent = true;
    exchange.status = head.status;
    exchange.serviceMs = Math.max(0, Math.floor(now - this.#sentAt));
    this.#cameWhole = framing === 'none' || (framing === 'length' && available >= head.contentLength);
    const closes =
      this.#relay.begin(framing, exchange) || (!exchange.body.done && (this.#cameWhole || head.status >= 400));
    connection.outlet.text(this.#relay.head(head, buffer, exchange, closes));
    if (head.status === 101) this.#openTunnel();
    else if (!this.#cameWhole) this.#deadlines.active();
  }

  onBody(buffer: Buffer, start: number, end: number): void {
    this.#exchange.responseBytes += end - start;
    this.#relay.body(this.#exchange.connection.outlet, buffer, start, end);
  }

  onTrailers(trailers: FieldSection, buffer: Buffer): void {
    this.#relay.trailers(trailers, buffer);
  }

  onEnd(): void {
    const { connection, body, context } = this.#exchange;
    const closes = this.#relay.closes || !body.done;
    this.#upstream = undefined;
    this.#release();
    this.#relay.end(connection.outlet);
    connection.outlet.flush();
    // A response that has come in one piece ends at the time of its head.
    this.#exchange.finish(ResponseFlag.NONE, 'via_upstream', this.#cameWhole ? context.wheel.now : undefined);
    connection.exchangeEnded(!closes);
  }

  onReadDone(): void {
    if (!this.#exchange.connection.outlet.flush() && !this.#upstreamBlocked) {
      this.#upstreamBlocked = true;
      this.#upstream?.socket.pause();
    }
    if (this.#headSent) this.#deadlines.active();
  }

  onDrain(): void {
    if (!this.#clientBlocked) return;
    this.#clientBlocked = false;
    if (!this.#exchange.body.done) this.#awaitNext();
    this.#exchange.connection.feedKept();
  }

  onTunnelEnd(): void {
    this.#exchange.connection.outlet.flush();
    this.#exchange.connection.socket.end();
  }

  onFault(fault: Fault): void {
    if (fault.what === 'destination-refused') this.#exchange.context.metrics.counters.destinations_refused += 1;
    const isTunnelEnd = this.#tunnel && fault.what === 'reset' && fault.detail === 'closed';
    if (isTunnelEnd) this.#endTunnel();
    else if (!this.#headSent && mayRetry(fault, this.#attempted)) this.#retry(fault);
    else this.#end(fault);
  }

  get #attempted(): AttemptedRequest {
    const { method } = this.#exchange;
    return { method, attempts: this.#attempts, isHeld: this.#held, metStale: this.#metStale };
  }

  /** What to wait for now: more of the body, the response, or more of a response that began early. */
  #awaitNext(): void {
    if (this.#exchange.body.done) this.#deadlines.awaitResponse();
    else if (!this.#headSent) this.#deadlines.awaitBody();
    if (this.#headSent) this.#deadlines.active();
  }

  /** Writes the head that the backend gets, with a body that has come whole and is small. */
  #compose(defaultAuthority: string, reliedOn: ReadonlySet<string>): void {
    const exchange = this.#exchange;
    const { head, buffer, bodyStart, end } = exchange.arriving;
    const forwarded = exchange.context.forwarder.forward(head, buffer, {
      peer: exchange.connection.peer,
      target: exchange.target,
      defaultAuthority,
      upgrade: exchange.upgrade,
      reliedOn,
    });
    this.#text = forwarded.text;
    exchange.requestId = forwarded.requestId;
    exchange.forwardedFor = forwarded.forwardedFor;
    this.#held = exchange.body.done;
    const { length } = exchange.body;
    if (this.#held || length < 0 || length > end - bodyStart || length > HELD_BODY_BYTES) return;
    this.#text += latin1(buffer, bodyStart, bodyStart + length);
    this.#held = true;
    exchange.bodyTaken(bodyStart + length);
  }

  #attempt(): void {
    const exchange = this.#exchange;
    const endpoint = exchange.cluster?.pick(this.#tried);
    if (endpoint === undefined) {
      exchange.reply(replies.noHealthyEndpoint);
      return;
    }
    this.#attempts += 1;
    this.#endpoint = endpoint;
    endpoint.active += 1;
    exchange.upstreamLabel = endpoint.label;
    const idle = this.#metStale ? undefined : endpoint.pool.take();
    const refusal = idle === undefined ? endpoint.pool.refusal : undefined;
    if (refusal !== undefined) {
      this.onFault({ what: 'destination-refused', whose: 'upstream', retry: 'yes', detail: refusal });
      return;
    }
    const upstream = idle ?? endpoint.pool.open();
    this.#upstream = upstream;
    upstream.begin(this);
    if (idle !== undefined) this.#send(upstream);
  }

  #send(upstream: UpstreamConnection): void {
    const exchange = this.#exchange;
    this.#sentAt = this.#attempts === 1 && upstream.served > 0 ? exchange.startedAt : performance.now();
    if (exchange.context.accessLog.enabled) {
      const { address, port } = upstream.localAddress;
      exchange.upstreamLocal = addressPort(address, port);
    }
    upstream.outlet.text(this.#text);
    if (!exchange.body.done) {
      // What of the body has come follows at once, in the same write.
      if (exchange.isArriving) return;
      exchange.connection.feedKept();
    }
    if (this.#upstream === upstream) this.#flushUpstream(upstream);
  }

  #flushUpstream(upstream: UpstreamConnection): void {
    if (upstream.outlet.flush() || (this.#held && !this.#tunnel)) return;
    this.#clientBlocked = true;
    this.#exchange.connection.pauseReading();
    this.#deadlines.active();
  }

  #retry(fault: Fault): void {
    const endpoint = this.#endpoint;
    if (endpoint !== undefined) endpoint.active -= 1;
    this.#endpoint = undefined;
    this.#upstream = undefined;
    this.#exchange.context.metrics.counters.upstream_retries += 1;
    this.#exchange.transportFailure = fault.detail;
    // A stale connection says nothing against its endpoint, but its neighbours in the pool are likely stale too.
    if (fault.retry === 'if-reused') this.#metStale = true;
    else if (endpoint !== undefined) (this.#tried ??= []).push(endpoint);
    this.#attempt();
  }

  /** No way on: an answer if none has begun, else the client's connection breaks. */
  #end(fault: Fault): void {
    const wasSent = this.#headSent;
    this.stop();
    if (wasSent) this.#exchange.abort(fault);
    else this.#exchange.replyToFault(fault);
  }

  #endClient(fault: Fault): void {
    this.stop();
    this.#exchange.abort(fault);
  }

  #release(): void {
    this.#upstream = undefined;
    if (this.#endpoint !== undefined) this.#endpoint.active -= 1;
    this.#endpoint = undefined;
    if (this.#isCounted && this.#exchange.cluster !== undefined) this.#exchange.cluster.active -= 1;
    this.#isCounted = false;
    this.#text = '';
  }

  #openTunnel(): void {
    this.#tunnel = true;
    this.#exchange.connection.outlet.flush();
    this.#deadlines.active();
    this.#exchange.connection.feedKept();
  }

  #endTunnel(): void {
    this.#release();
    this.#exchange.finish(ResponseFlag.NONE, 'via_upstream');
    this.#exchange.connection.exchangeEnded(false);
  }
}

function faultOfClient(detail: string): Fault {
  return { what: 'stream-idle', whose: 'downstream', retry: 'never', detail };
}

const INTERIM = { chunked: false, serviceMs: -1, connection: '', via: false } as const;
