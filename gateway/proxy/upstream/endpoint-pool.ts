/**
 * The connections to one endpoint. The one that was used last is reused first, so that surplus ones grow old and go.
 * It never queues requests: without an idle connection a new one is opened. Called by the exchange's attempts.
 */
import { lookup } from 'node:dns';
import net, { type LookupFunction } from 'node:net';
import type { DestinationGuard } from './destination-guard.ts';
import { type ConnectionOwner, UpstreamConnection } from './upstream-connection.ts';
import type { UpstreamContext } from './upstream-context.ts';

export type EndpointAddress = { readonly address: string; readonly port: number };

/** Backends close idle connections at their own whole second: stay this much below what they announce. */
const ANNOUNCED_MARGIN_MS = 1_000;
const ANNOUNCED_MINIMUM_MS = 500;

export class EndpointPool implements ConnectionOwner {
  readonly address: string;
  readonly port: number;
  connectTimeoutMs: number;
  readonly #context: UpstreamContext;
  readonly #lookup: LookupFunction | undefined;
  #newest: UpstreamConnection | undefined;
  #idle = 0;
  #closed = false;

  constructor(context: UpstreamContext, { address, port }: EndpointAddress, connectTimeoutMs: number) {
    this.#context = context;
    this.address = address;
    this.port = port;
    this.connectTimeoutMs = connectTimeoutMs;
    this.#lookup = net.isIP(address) === 0 ? guardedLookup(context.guard, port) : undefined;
  }

  /**
   * Why no connection may be opened to it, for IP endpoints; names are checked when they are resolved. Asked for each
   * connection anew, since this node's addresses change (VRRP).
   */
  get refusal(): string | undefined {
    return this.#lookup === undefined ? this.#context.guard.refusal(this.address, this.port) : undefined;
  }

  /** The idle connection that was used last, if there is one that still works. */
  take(): UpstreamConnection | undefined {
    for (let found = this.#newest; found !== undefined; found = this.#newest) {
      this.#unlink(found);
      if (found.usable) {
        this.#context.wheel.clear(found.deadline);
        return found;
      }
      found.destroy();
    }
    return undefined;
  }

  /** A new connection, still connecting; its handler hears `onConnected` or `onFault`. */
  open(): UpstreamConnection {
    this.#context.counters.upstream_connections += 1;
    this.#context.open += 1;
    return new UpstreamConnection(this.#context, this, (onread) =>
      net.connect({
        host: this.address,
        port: this.port,
        noDelay: true,
        allowHalfOpen: true,
        autoSelectFamily: false,
        onread,
        ...(this.#lookup === undefined ? {} : { lookup: this.#lookup }),
      }),
    );
  }

  /** The endpoint left the configuration: idle connections go now, busy ones after their response. */
  close(): void {
    this.#closed = true;
    for (let found = this.#newest; found !== undefined; found = this.#newest) {
      this.#unlink(found);
      found.destroy();
    }
  }

  released(connection: UpstreamConnection, reusable: boolean): void {
    if (!reusable || this.#closed || this.#idle >= this.#context.idlePerEndpoint) {
      connection.destroy();
      return;
    }
    connection.older = this.#newest;
    connection.newer = undefined;
    if (this.#newest !== undefined) this.#newest.newer = connection;
    this.#newest = connection;
    this.#idle += 1;
    this.#context.idle += 1;
    this.#context.wheel.set(connection.deadline, this.#idleMs(connection.keepAliveSeconds));
  }

  closed(connection: UpstreamConnection): void {
    this.#context.open -= 1;
    if (connection.connecting) this.#context.counters.upstream_connect_failures += 1;
    if (this.#newest === connection || connection.newer !== undefined) this.#unlink(connection);
  }

  #idleMs(announcedSeconds: number): number {
    if (announcedSeconds < 0) return this.#context.idleMs;
    const announced = Math.max(announcedSeconds * 1000 - ANNOUNCED_MARGIN_MS, ANNOUNCED_MINIMUM_MS);
    return Math.min(announced, this.#context.idleMs);
  }

  #unlink(connection: UpstreamConnection): void {
    if (connection.newer === undefined) this.#newest = connection.older;
    else connection.newer.older = connection.older;
    if (connection.older !== undefined) connection.older.newer = connection.newer;
    connection.newer = undefined;
    connection.older = undefined;
    this.#idle -= 1;
    this.#context.idle -= 1;
  }
}

/** Resolves a DNS endpoint and leaves out the addresses that the guard refuses; one of the others at random. */
function guardedLookup(guard: DestinationGuard, port: number): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { all: true, family: options.family ?? 0 }, (error, found) => {
      if (error !== null) {
        callback(error, '', 0);
        return;
      }
      const allowed = found.filter((entry) => guard.refusal(entry.address, port) === undefined);
      const chosen = allowed[Math.floor(Math.random() * allowed.length)];
      if (chosen === undefined) {
        const reason = guard.refusal(found[0]?.address ?? '', port) ?? 'no address';
        callback(Object.assign(new Error(reason), { code: 'EDESTINATION' }), '', 0);
      } else if (options.all === true) callback(null, [chosen]);
      else callback(null, chosen.address, chosen.family);
    });
  };
}
