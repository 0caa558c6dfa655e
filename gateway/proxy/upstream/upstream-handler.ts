import type { FieldSection } from '../codec/fields.ts';
import type { BodyFraming, ResponseHead } from '../codec/response-head.ts';
import type { Fault } from '../types.ts';

/**
 * Who receives what comes back on an upstream connection: the exchange that sent a request on it. Buffers are
 * valid only during the call. After `onEnd` or `onFault` the connection is no longer the handler's.
 */
export interface UpstreamHandler {
  /** The response to a HEAD request has no body whatever it says. */
  readonly isHead: boolean;
  /** The whole request was handed to the connection: without that it cannot carry another. */
  readonly requestSent: boolean;
  /** The connection is there; nothing was sent on it yet. */
  onConnected(): void;
  /** A 1xx other than 101; the final head follows later. */
  onInterim(head: ResponseHead, buffer: Buffer): void;
  /** The final head (or 101). `available` bytes of what follows have come with it. */
  onHead(head: ResponseHead, buffer: Buffer, framing: BodyFraming, available: number): void;
  onBody(buffer: Buffer, start: number, end: number): void;
  /** At most once, before `onEnd`; those flagged are to be dropped. */
  onTrailers(trailers: FieldSection, buffer: Buffer): void;
  /** The response is whole. */
  onEnd(): void;
  /** One read is worked off: time to flush. Not called after `onEnd` or `onFault`. */
  onReadDone(): void;
  /** The connection takes more of the request again. */
  onDrain(): void;
  /** After 101: the backend will send no more. */
  onTunnelEnd(): void;
  onFault(fault: Fault): void;
}
