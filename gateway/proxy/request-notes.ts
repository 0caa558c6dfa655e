import type { AccessLogRecord } from '../telemetry/access-log-format.ts';
import { responseFlags } from '../telemetry/response-flags.ts';
import type { RequestHead } from './codec/request-head.ts';
import type { Exchange } from './exchange.ts';
import { addressPort, clientAddress } from './filter/client-address.ts';

/** Facts that only the access log wants, taken from a head while it is at hand. Unused while the log is off. */
export class RequestNotes {
  #startTime = 0;
  #target = '';
  #authority = '';
  #userAgent = '';
  #forwardedFor = '';
  #requestId = '';

  /** A request begins whose head is not known (yet). */
  forget(): void {
    this.#startTime = Date.now();
    this.#target = '';
    this.#authority = '';
    this.#userAgent = '';
    this.#forwardedFor = '';
    this.#requestId = '';
  }

  take(head: RequestHead, buffer: Buffer): void {
    this.#target = head.target;
    this.#authority = head.authority;
    this.#userAgent = head.get(buffer, 'user-agent') ?? '';
    this.#forwardedFor = head.get(buffer, 'x-forwarded-for') ?? '';
    this.#requestId = head.get(buffer, 'x-request-id') ?? '';
  }

  /** The line's facts for a finished exchange. */
  record(exchange: Exchange, outcome: { flag: number; details: string; durationMs: number }): AccessLogRecord {
    const { connection, context } = exchange;
    const { address } = connection.peer;
    const remote = clientAddress(address, this.#forwardedFor, context.settings.trustedProxies);
    return {
      startTime: this.#startTime,
      method: exchange.method,
      path: this.#target,
      protocol: exchange.method === '' ? '' : `HTTP/1.${exchange.minorVersion}`,
      status: exchange.status,
      flags: responseFlags[outcome.flag] ?? '-',
      details: outcome.details,
      connectionTermination: '',
      transportFailure: exchange.transportFailure,
      bytesReceived: exchange.body.bytes,
      bytesSent: exchange.responseBytes,
      durationMs: outcome.durationMs,
      upstreamServiceMs: exchange.serviceMs,
      forwardedFor: exchange.forwardedFor === '' ? this.#forwardedFor : exchange.forwardedFor,
      userAgent: this.#userAgent,
      requestId: exchange.requestId === '' ? this.#requestId : exchange.requestId,
      authority: this.#authority,
      upstreamHost: exchange.upstreamLabel,
      upstreamCluster: exchange.cluster?.key ?? '',
      upstreamLocal: exchange.upstreamLocal,
      downstreamLocal: connection.localLabel,
      // A forwarded address comes without a port; Envoy prints 0 then.
      downstreamRemote: addressPort(remote, remote === address ? connection.remotePort : 0),
      serverName: connection.arrival.tls?.serverName ?? '',
      routeName: exchange.route?.name ?? '',
    };
  }
}
