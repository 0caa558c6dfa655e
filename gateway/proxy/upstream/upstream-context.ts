import type { SharedRead } from '../../support/shared-read.ts';
import type { TimerWheel } from '../../support/timer-wheel.ts';
import type { CounterName } from '../../telemetry/statistics.ts';
import type { HeadLimits } from '../codec/request-head.ts';
import { ResponseHead } from '../codec/response-head.ts';
import type { DestinationGuard } from './destination-guard.ts';

/** Where an exception of our own code is reported. */
export type ExceptionReport = (error: unknown) => void;

/** What all upstream connections of a worker share. Made once by the proxy. */
export class UpstreamContext {
  readonly wheel: TimerWheel;
  readonly read: SharedRead;
  readonly guard: DestinationGuard;
  readonly headLimits: HeadLimits;
  readonly counters: Record<CounterName, number>;
  /** Idle connections kept for one endpoint. */
  readonly idlePerEndpoint: number;
  readonly idleMs: number;
  /** Present numbers, for the gauges. */
  open = 0;
  idle = 0;
  readonly report: ExceptionReport;
  #head = new ResponseHead();

  constructor(options: {
    wheel: TimerWheel;
    read: SharedRead;
    guard: DestinationGuard;
    headLimits: HeadLimits;
    counters: Record<CounterName, number>;
    idlePerEndpoint: number;
    idleMs: number;
    report: ExceptionReport;
  }) {
    this.wheel = options.wheel;
    this.read = options.read;
    this.guard = options.guard;
    this.headLimits = options.headLimits;
    this.counters = options.counters;
    this.idlePerEndpoint = options.idlePerEndpoint;
    this.idleMs = options.idleMs;
    this.report = options.report;
  }

  /** The head object for heads that come whole: one serves all connections. */
  sharedHead(): ResponseHead {
    return this.#head;
  }

  /** Makes the shared head the caller's own, parse state included. */
  takeSharedHead(): ResponseHead {
    const head = this.#head;
    this.#head = new ResponseHead();
    return head;
  }

  /** Runs one callback of a connection; an exception ends its exchange and nothing else. */
  guarded(connection: { failInternally(): void }, callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.report(error);
      connection.failInternally();
    }
  }
}
