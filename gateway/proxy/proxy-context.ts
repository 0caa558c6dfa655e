import type { SharedRead } from '../support/shared-read.ts';
import type { TimerWheel } from '../support/timer-wheel.ts';
import type { AccessLogSink } from '../telemetry/access-log.ts';
import type { ProxyMetrics } from '../telemetry/metrics.ts';
import { type HeadLimits, RequestHead } from './codec/request-head.ts';
import type { RequestForwarder } from './filter/forwarded-request.ts';
import { EMPTY_TABLE, type RoutingTable } from './routing-table.ts';
import type { ProxySettings } from './types.ts';

/** What all connections of a worker share. Made once by the proxy, which alone changes `table` and `draining`. */
export class ProxyContext {
  readonly settings: ProxySettings;
  readonly headLimits: HeadLimits;
  readonly wheel: TimerWheel;
  readonly metrics: ProxyMetrics;
  readonly accessLog: AccessLogSink;
  readonly forwarder: RequestForwarder;
  /** Plain and TLS sockets never share a buffer: their reads may nest. */
  readonly plainRead: SharedRead;
  readonly tlsRead: SharedRead;
  /** Reports an exception of our own code: counted and logged, once. */
  readonly report: (error: unknown) => void;
  table: RoutingTable = EMPTY_TABLE;
  draining = false;
  requestsActive = 0;
  #head = new RequestHead();

  constructor(options: {
    settings: ProxySettings;
    wheel: TimerWheel;
    metrics: ProxyMetrics;
    accessLog: AccessLogSink;
    forwarder: RequestForwarder;
    plainRead: SharedRead;
    tlsRead: SharedRead;
    report: (error: unknown) => void;
  }) {
    this.settings = options.settings;
    this.headLimits = options.settings.limits;
    this.wheel = options.wheel;
    this.metrics = options.metrics;
    this.accessLog = options.accessLog;
    this.forwarder = options.forwarder;
    this.plainRead = options.plainRead;
    this.tlsRead = options.tlsRead;
    this.report = options.report;
  }

  /** The head object for heads that come whole: one serves all connections, within one callback. */
  sharedHead(): RequestHead {
    return this.#head;
  }

  /** Makes the shared head the caller's own, with what it has parsed so far. */
  takeSharedHead(): RequestHead {
    const head = this.#head;
    this.#head = new RequestHead();
    return head;
  }
}
