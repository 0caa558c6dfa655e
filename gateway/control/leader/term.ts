import type { ApiClient } from '../kubernetes/api-client.ts';

/** Thrown by work that was under way when leadership was lost. */
export class LeadershipLost extends Error {
  override readonly name = 'LeadershipLost';
}

/** One time of leading, from taking the lease to losing it. */
export type Term = {
  /** Aborted in the moment of loss. */
  readonly signal: AbortSignal;
  /** Asks the clocks, so that it is right even before the timer that ends the term could run. */
  isHeld(): boolean;
};

/**
 * The client for work of a term: every request first makes sure that the term lasts, and is broken off when it ends.
 * Rejects with {@link LeadershipLost} then.
 */
export function fenced(api: Pick<ApiClient, 'request'>, term: Term): Pick<ApiClient, 'request'> {
  return {
    async request(request) {
      if (!term.isHeld()) throw new LeadershipLost('another node may lead by now');
      try {
        const signal = request.signal === undefined ? term.signal : AbortSignal.any([term.signal, request.signal]);
        return await api.request({ ...request, signal });
      } catch (error) {
        if (term.signal.aborted) throw new LeadershipLost('leadership was lost during a request', { cause: error });
        throw error;
      }
    },
  };
}
