/**
 * One request and its answer. It holds the facts that routing, forwarding and telemetry share, and makes sure that
 * every way out is counted exactly once. One object per client connection, used for one request after the other.
 */
import type { Route } from '../snapshot/route.ts';
import { ResponseFlag } from '../telemetry/response-flags.ts';
import type { ClusterRuntime } from './cluster-runtime.ts';
import { normalizePath } from './codec/path.ts';
import type { RequestHead } from './codec/request-head.ts';
import type { DownstreamConnection } from './downstream-connection.ts';
import { acceptableUpgrade } from './filter/upgrade.ts';
import { Forwarding } from './forwarding.ts';
import type { ProxyContext } from './proxy-context.ts';
import { localResponse } from './reply/local-response.ts';
import type { RedirectedRequest } from './reply/redirect.ts';
import { flagOfFault, malformedRequest, type Reply, replyToFault } from './reply/replies.ts';
import { RequestBody } from './request-body.ts';
import { RequestNotes } from './request-notes.ts';
import type { RequestView } from './route/request-view.ts';
import type { CompiledHost, CompiledListener } from './routing-table.ts';
import type { Fault } from './types.ts';

/** Decides what happens with a request whose facts are known; see request-path.ts. */
export type Road = (exchange: Exchange) => void;

export class Exchange implements RequestView, RedirectedRequest {
  readonly context: ProxyContext;
  readonly connection: DownstreamConnection;
  readonly forwarding: Forwarding;
  readonly body = new RequestBody();

  // Facts of the request.
  method = '';
  path = '';
  query = '';
  /** Path and query as forwarded. */
  target = '';
  host = '';
  scheme: 'http' | 'https' = 'http';
  port = 0;
  authorityPort = -1;
  nodePort = 0;
  minorVersion = 1;
  isHead = false;
  upgrade = '';
  startedAt = 0;

  // What becomes of it.
  route: Route | undefined;
  cluster: ClusterRuntime | undefined;
  status = 0;
  responseBytes = 0;
  serviceMs = -1;
  upstreamLabel = '';
  upstreamLocal = '';
  transportFailure = '';
  requestId = '';
  forwardedFor = '';

  readonly #road: Road;
  #open = false;
  #recentListener: CompiledListener | undefined;
  #recentName = '';
  #recentHost: CompiledHost | undefined;
  #head: RequestHead | undefined;
  #buffer: Buffer | undefined;
  #bodyStart = 0;
  #end = 0;
  #clientKeepsAlive = false;
  readonly #notes = new RequestNotes();

  constructor(context: ProxyContext, connection: DownstreamConnection, road: Road) {
    this.context = context;
    this.connection = connection;
    this.#road = road;
    this.forwarding = new Forwarding(this);
  }

  /** A request is being worked on. */
  get open(): boolean {
    return this.#open;
  }

  /** RequestView: only while the head's buffer is valid, that is, while the road is chosen. */
  header(lowerName: string): string | undefined {
    return this.#head?.get(this.#buffer as Buffer, lowerName);
  }

  /** The road is being chosen: what came with the head has not been taken in yet. */
  get isArriving(): boolean {
    return this.#buffer !== undefined;
  }

  /** The head and its buffer, while the road is chosen. */
  get arriving(): { head: RequestHead; buffer: Buffer; bodyStart: number; end: number } {
    return {
      head: this.#head as RequestHead,
      buffer: this.#buffer as Buffer,
      bodyStart: this.#bodyStart,
      end: this.#end,
    };
  }

  /** Begins with a parsed head; `[bodyStart, end)` came with it. Returns the offset after what belongs to this request. */
  begin(head: RequestHead, buffer: Buffer, bodyStart: number, end: number): number {
    this.#reset();
    this.method = head.method;
    this.isHead = head.method === 'HEAD';
    this.host = head.host;
    this.authorityPort = head.port;
    this.minorVersion = head.minorVersion;
    this.upgrade = acceptableUpgrade(head);
    this.#clientKeepsAlive = head.keepAlive;
    this.#head = head;
    this.#buffer = buffer;
    this.#bodyStart = bodyStart;
    this.#end = end;
    this.body.begin(head);
    if (this.context.accessLog.enabled) this.#notes.take(head, buffer);
    const normalized = normalizePath(head.originForm, this.context.settings.pathNormalization);
    this.path = normalized.path;
    this.query = normalized.query;
    this.target = normalized.target;
    if (normalized.error !== 0) this.reply(malformedRequest(normalized.error));
    else this.#road(this);
    this.#head = undefined;
    this.#buffer = undefined;
    return this.#consumed(buffer, bodyStart, end);
  }

  /** Answers bytes that are no acceptable request. */
  refuse(reply: Reply): void {
    this.#reset();
    this.method = '';
    this.isHead = false;
    this.#clientKeepsAlive = false;
    this.body.beginNone();
    this.context.metrics.counters.downstream_protocol_errors += 1;
    this.reply(reply);
  }

  /** Answers on our own, whatever was going on with an upstream. Nothing of a response may have been sent before. */
  reply(reply: Reply): void {
    if (!this.#open) return;
    this.forwarding.stop();
    this.#takeWholeBody();
    const closes = reply.closes === true || !this.body.done || this.mustClose();
    const text = localResponse(reply, { isHead: this.isHead, connection: this.connectionHeader(closes) });
    this.status = reply.status;
    this.responseBytes = this.isHead ? 0 : Buffer.byteLength(reply.body);
    this.connection.outlet.text(text);
    this.connection.outlet.flush();
    this.finish(reply.flag, reply.details);
    this.connection.exchangeEnded(!closes);
  }

  replyToFault(fault: Fault): void {
    this.transportFailure = fault.detail;
    this.reply(replyToFault(fault));
  }

  /** The response has begun and cannot be completed: the client must not take it for whole. */
  abort(fault: Fault): void {
    this.transportFailure = fault.detail;
    this.finish(flagOfFault(fault), 'upstream_reset_after_response_started');
    this.connection.reset();
  }

  /** The client is gone, or has ended its half before the request was whole. */
  clientGone(): void {
    if (!this.#open) return;
    const { isTunnel } = this.forwarding;
    this.forwarding.stop();
    // A tunnel has no other end than the end of its connections.
    if (isTunnel) this.finish(ResponseFlag.NONE, 'via_upstream');
    else this.finish(ResponseFlag.DC, 'downstream_remote_disconnect');
    this.connection.reset();
  }

  /** An exception in our own code. */
  failInternally(): void {
    if (this.#open) this.forwarding.failInternally();
    else this.connection.reset();
  }

  /** The virtual host of this request; requests on one connection nearly always ask for the same. */
  recentHost(listener: CompiledListener): CompiledHost | undefined {
    if (this.#recentListener !== listener || this.#recentName !== this.host) {
      this.#recentListener = listener;
      this.#recentName = this.host;
      this.#recentHost = listener.hosts.find(this.host);
    }
    return this.#recentHost;
  }

  /** The connection carries no request after this one. */
  mustClose(): boolean {
    if (!this.#clientKeepsAlive || this.context.draining) return true;
    const most = this.context.settings.limits.requestsPerConnection;
    return most > 0 && this.connection.requests >= most;
  }

  /** What to say about the connection, which depends on what the client takes for granted (RFC 9112 §9.3). */
  connectionHeader(closes: boolean): '' | 'close' | 'keep-alive' {
    if (closes) return 'close';
    return this.minorVersion === 0 ? 'keep-alive' : '';
  }

  /** Every way out of an exchange comes through here, once. `now` may be given by who has just read the clock. */
  finish(flag: number, details: string, now = performance.now()): void {
    if (!this.#open) return;
    this.#open = false;
    const { context } = this;
    context.requestsActive -= 1;
    context.wheel.now = now;
    const durationMs = context.wheel.now - this.startedAt;
    const destination = this.cluster?.destination ?? context.metrics.unknownDestination;
    destination.record(this.status, flag, durationMs, this.body.bytes, this.responseBytes);
    if (context.accessLog.enabled) context.accessLog.write(this.#notes.record(this, { flag, details, durationMs }));
  }

  #reset(): void {
    this.startedAt = performance.now();
    this.context.wheel.now = this.startedAt;
    this.context.requestsActive += 1;
    this.connection.requests += 1;
    this.#open = true;
    this.forwarding.reset();
    this.minorVersion = 1;
    this.route = undefined;
    this.cluster = undefined;
    this.status = 0;
    this.responseBytes = 0;
    this.serviceMs = -1;
    this.upstreamLabel = '';
    this.upstreamLocal = '';
    this.transportFailure = '';
    this.requestId = '';
    this.forwardedFor = '';
    if (this.context.accessLog.enabled) this.#notes.forget();
  }

  /** A body of announced length that has already come whole can simply be passed over by an answer of our own. */
  #takeWholeBody(): void {
    if (this.#buffer === undefined || this.body.done || this.body.length < 0) return;
    if (this.body.length > this.#end - this.#bodyStart) return;
    this.#bodyStart += this.body.length;
    this.body.skip();
  }

  /** Where the next request begins, as far as this one is taken in. */
  #consumed(buffer: Buffer, bodyStart: number, end: number): number {
    if (this.#bodyStart > bodyStart) return this.#bodyStart;
    if (!this.#open || this.body.done) return bodyStart;
    return this.forwarding.feed(buffer, bodyStart, end);
  }

  /** The body (whole, small) went along with the head. */
  bodyTaken(end: number): void {
    this.#bodyStart = end;
    this.body.skip();
  }
}
