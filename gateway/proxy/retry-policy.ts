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
};

/**
 * Whether a request may be sent again after this fault, nothing of a response having come: when nothing of it was sent,
 * or when the connection was a stale one and the request does no harm if it is acted upon twice.
 */
export function mayRetry(fault: Fault, request: AttemptedRequest): boolean {
  if (request.attempts >= MAX_ATTEMPTS) return false;
  if (fault.retry === 'yes') return true;
  return fault.retry === 'if-reused' && request.isHeld && IDEMPOTENT.has(request.method);
}
