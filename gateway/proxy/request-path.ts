/**
 * The request road: a connection comes in, each of its requests is routed and answered, and every exit is counted.
 * It never changes configuration and never ends because of a request. Called by the worker role, which gives it
 * accepted sockets and compiled versions.
 */
import type { Socket } from 'node:net';
import type { WorkerDelta } from '../snapshot/snapshot.ts';
import { probeSharedRead, SharedRead } from '../support/shared-read.ts';
import { atOnce, type Steps } from '../support/slices.ts';
import { TimerWheel } from '../support/timer-wheel.ts';
import type { AccessLogSink } from '../telemetry/access-log.ts';
import type { ProxyMetrics } from '../telemetry/metrics.ts';
import type { ProxyReadings } from '../telemetry/statistics.ts';
import { Admission } from './admission.ts';
import { DownstreamConnection } from './downstream-connection.ts';
import type { Exchange } from './exchange.ts';
import { clientKey, plainAddress } from './filter/client-address.ts';
import { RequestForwarder } from './filter/forwarded-request.ts';
import { ProxyContext } from './proxy-context.ts';
import { httpsRedirect, routeRedirect } from './reply/redirect.ts';
import { directResponse, nothingServed, replies } from './reply/replies.ts';
import { type Prepared, TableCompiler } from './routing-table.ts';
import type { Arrival, ProxySettings } from './types.ts';
import { DestinationGuard } from './upstream/destination-guard.ts';
import { UpstreamContext } from './upstream/upstream-context.ts';

/** The life of a request, once its head is parsed and its path normalised. */
function takeRoad(exchange: Exchange): void {
  const { context, connection } = exchange;
  const listener = context.table.listeners.get(connection.arrival.listener);
  if (exchange.host === '') return exchange.reply(replies.missingAuthority);
  if (listener === undefined || listener.hostCount === 0) {
    return exchange.reply(
      listener?.source.emptyHint === undefined ? replies.hostNotFound : nothingServed(listener.source.emptyHint),
    );
  }
  const host = exchange.recentHost(listener);
  if (host === undefined) return exchange.reply(replies.hostNotFound);
  exchange.scheme = connection.peer.scheme;
  exchange.port = listener.source.gatewayPort;
  exchange.nodePort = connection.arrival.nodePort;
  const { httpsRedirect: redirect, sole } = host;
  if (redirect !== undefined) return exchange.reply(httpsRedirect(exchange, redirect));
  if (sole !== undefined) {
    exchange.route = sole.route;
    return exchange.forwarding.start(sole);
  }
  const matched = host.match(exchange);
  if (matched === undefined) return exchange.reply(host.unmatched);
  const { route, attached } = matched;
  exchange.route = route;
  if (attached !== undefined) return exchange.forwarding.start(attached);
  if (route.action.kind === 'redirect') return exchange.reply(routeRedirect(exchange, route, route.action));
  if (route.action.kind === 'direct-response') return exchange.reply(directResponse(route.action));
  return exchange.reply(replies.clusterNotFound);
}

export type ProxyOptions = {
  readonly settings: ProxySettings;
  readonly metrics: ProxyMetrics;
  readonly accessLog: AccessLogSink;
  readonly log: { error(fields: object, message: string): void };
  /** How accepted sockets are read; without it a self-test finds out whether reads can be shared. */
  readonly reads?: 'shared' | 'data';
  /** 0 (inclusive) to 1 (exclusive); tests give their own. */
  readonly random?: () => number;
};

/** Counts every exception and logs at most one a second: a poisonous request may come very often. */
function exceptionReport(metrics: ProxyMetrics, log: ProxyOptions['log']): (error: unknown) => void {
  let nextLogAt = -Infinity;
  let unlogged = 0;
  return (error) => {
    metrics.counters.exchange_exceptions += 1;
    if (performance.now() < nextLogAt) {
      unlogged += 1;
      return;
    }
    log.error({ error, unlogged }, 'exception in an exchange; only this exchange ends');
    nextLogAt = performance.now() + 1_000;
    unlogged = 0;
  };
}

export class Proxy {
  readonly #context: ProxyContext;
  readonly #upstream: UpstreamContext;
  readonly #compiler: TableCompiler;
  readonly #admission: Admission;
  readonly #random: () => number;
  readonly #connections = new Set<DownstreamConnection>();
  #onEmpty: (() => void) | undefined;

  constructor(options: ProxyOptions) {
    const { settings, metrics, accessLog } = options;
    const mode = options.reads ?? 'data';
    const wheel = new TimerWheel();
    const report = exceptionReport(metrics, options.log);
    this.#random = options.random ?? Math.random;
    this.#admission = new Admission(settings.limits);
    this.#upstream = new UpstreamContext({
      wheel,
      read: new SharedRead({ mode: 'data' }), // outgoing connections have the documented way
      guard: new DestinationGuard(settings.destinations),
      headLimits: settings.limits,
      counters: metrics.counters,
      idlePerEndpoint: settings.limits.idleUpstreamPerEndpoint,
      idleMs: settings.timeouts.upstreamIdleMs,
      report,
    });
    this.#compiler = new TableCompiler({ context: this.#upstream, metrics, random: this.#random });
    this.#context = new ProxyContext({
      settings,
      wheel,
      metrics,
      accessLog,
      forwarder: new RequestForwarder({ trustsPeers: settings.trustedProxies > 0, via: settings.via }),
      plainRead: new SharedRead({ mode }),
      tlsRead: new SharedRead({ mode }),
      report,
    });
    if (options.reads === undefined) void this.#shareReads();
  }

  /** Open client connections. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Compiles a delta beside what is served. Throws CompileError, and then nothing has changed. */
  prepare(delta: WorkerDelta): Prepared {
    return atOnce(this.prepareInSteps(delta));
  }

  /** The same, unit by unit; nothing else is prepared or committed meanwhile. */
  prepareInSteps(delta: WorkerDelta): Steps<Prepared> {
    return this.#compiler.prepare(this.#context.table, delta);
  }

  /** Serves a prepared version from the next request on; requests in flight keep what they began with. */
  commit(prepared: Prepared): void {
    this.#compiler.commit(prepared, (runtime, staged) => runtime.update(staged));
    this.#context.table = prepared.table;
  }

  /**
   * Counts an accepted socket, before any handshake: a client over its limit must not fill the worker with half-open ones either.
   * False: it was refused and is destroyed.
   */
  admit(socket: Socket): boolean {
    const { counters } = this.#context.metrics;
    counters.downstream_connections += 1;
    const client = clientKey(plainAddress(socket.remoteAddress ?? ''));
    if (this.#admission.enter(client)) {
      socket.on('close', () => this.#admission.leave(client));
      return true;
    }
    counters.downstream_connections_refused += 1;
    socket.on('error', () => undefined);
    socket.destroy();
    return false;
  }

  /** Takes over a connection that was admitted: an accepted socket, or a TLS socket whose handshake is done. */
  serve(socket: Socket, arrival: Arrival): void {
    if (arrival.tls !== undefined) this.#context.metrics.counters.downstream_tls_connections += 1;
    const connection = new DownstreamConnection({
      context: this.#context,
      socket,
      arrival,
      road: takeRoad,
      onClosed: (closed) => {
        this.#connections.delete(closed);
        if (this.#connections.size === 0) this.#onEmpty?.();
      },
    });
    this.#connections.add(connection);
    connection.start();
    if (this.#context.draining) connection.drain(this.#context.settings.timeouts.drainIdleMs);
  }

  /**
   * Lets what is in flight finish: each answer from now on says `connection: close`, idle connections end after
   * `drainIdleMs`. Resolves when none is left, or when `drainMs` is over and the rest was cut off.
   */
  async drain(): Promise<void> {
    const { timeouts } = this.#context.settings;
    this.#context.draining = true;
    this.#context.wheel.touch();
    for (const connection of this.#connections) connection.drain(timeouts.drainIdleMs);
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      timer = setTimeout(resolve, timeouts.drainMs);
      if (this.#connections.size === 0) resolve();
    });
    clearTimeout(timer);
    this.close();
  }

  /** Cuts off what is left and gives up all connections. */
  close(): void {
    for (const connection of this.#connections) connection.reset();
    for (const cluster of this.#compiler.clusters()) cluster.close();
  }

  /** Connections that come before the self-test is through are read the ordinary way. */
  async #shareReads(): Promise<void> {
    if ((await probeSharedRead()) === 'data') return;
    this.#context.plainRead.share();
    this.#context.tlsRead.share();
  }

  /** What was counted, for the role's statistics file. */
  readings(): ProxyReadings {
    return this.#context.metrics.readings({
      downstream_connections_active: this.#connections.size,
      downstream_requests_active: this.#context.requestsActive,
      upstream_connections_active: this.#upstream.open - this.#upstream.idle,
      upstream_connections_idle: this.#upstream.idle,
      snapshot_version: this.#context.table.version,
    });
  }
}
