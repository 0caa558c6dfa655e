import type { Timers } from './timers.ts';

/** Resolves after `ms`, or as soon as `signal` is aborted. */
export function pause(timers: Timers, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = timers.after(ms, resolve);
  const early = (): void => {
    cancel();
    resolve();
  };
  signal?.addEventListener('abort', early, { once: true });
  return promise.finally(() => signal?.removeEventListener('abort', early));
}
