import type { ProxyTimeouts } from './types.ts';

/** What the deadlines need of an exchange. */
export interface TimedExchange {
  readonly context: {
    readonly wheel: { readonly now: number };
    readonly settings: { readonly timeouts: ProxyTimeouts };
  };
  readonly connection: { setDeadline(ms: number): void };
}

/** Which deadline holds at which point of a forwarded request. A route's timeout runs over all the others. */
export class StreamDeadlines {
  readonly #exchange: TimedExchange;
  /** When the route's timeout ends, on the wheel's clock. */
  #respondBy = Infinity;
  #routeMs = 0;

  constructor(exchange: TimedExchange) {
    this.#exchange = exchange;
  }

  /** `routeMs` 0: the route sets no timeout. */
  begin(routeMs: number): void {
    this.#respondBy = Infinity;
    this.#routeMs = routeMs;
  }

  /** The route's timeout is over. */
  get routeExpired(): boolean {
    return this.#exchange.context.wheel.now >= this.#respondBy;
  }

  /** The client has yet to send (more of) its body. */
  awaitBody(): void {
    const { connection, context } = this.#exchange;
    connection.setDeadline(context.settings.timeouts.bodyIdleMs);
  }

  /** The request is whole: the time of the response begins (Envoy counts a route's timeout from here to the response's end). */
  awaitResponse(): void {
    const { connection, context } = this.#exchange;
    const { responseMs, streamIdleMs } = context.settings.timeouts;
    if (this.#routeMs > 0) this.#respondBy = context.wheel.now + this.#routeMs;
    connection.setDeadline(this.#routeMs || responseMs || streamIdleMs);
  }

  /** Something moved: the stream's idle time begins anew. */
  active(): void {
    const { connection, context } = this.#exchange;
    const left = this.#respondBy - context.wheel.now;
    const idle = context.settings.timeouts.streamIdleMs;
    connection.setDeadline(left < idle ? Math.max(left, 0) : idle);
  }
}
