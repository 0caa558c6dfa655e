import type { Fault } from './types.ts';

/** Istio's default: a request is tried at most twice more. */
const MAX_ATTEMPTS = 3;

/** RFC 9110 §9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** What has happened to a request so far. */
export type AttemptedRequest = {
  readonly method: string;
  readonly attempts: number;
  /** All of it, body included, is still at hand. */
  readonly isHeld: boolean;
  /** An earlier attempt was made on a connection that turned out stale. */
  readonly metStale: boolean;
};

/**
 * Whether a request may be sent again after this fault, nothing of a response having come: when nothing of it was sent,
 * or when the connection was a stale one and the request does no harm if it is acted upon twice. A server that ends
 * breaks idle connections first and takes new ones for a moment more, which it breaks, too: that is no more a reason
 * against the request than the stale connection was. A fresh connection that breaks by itself is one, as in Istio's default.
 */
export function mayRetry(fault: Fault, request: AttemptedRequest): boolean {
  if (request.attempts >= MAX_ATTEMPTS) return false;
  if (fault.retry === 'yes') return true;
  const wasStale = fault.retry === 'if-reused' || (fault.retry === 'if-ending' && request.metStale);
  return wasStale && request.isHeld && IDEMPOTENT.has(request.method);
}
