import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BackendsReport } from './backends.ts';

const PROGRAM = fileURLToPath(new URL('./backends.ts', import.meta.url));

/** The pages of the demo, in a process of their own so that the supervisor carries no traffic. Ends with `stop`. */
export type RunningBackends = { stop(): Promise<void> };

/** Starts the pages of a manifest's Pods and waits until they listen; rejects with a sentence when they cannot. */
export async function startBackends(manifest: string): Promise<RunningBackends> {
  const child = fork(PROGRAM, [manifest], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] });
  const ended = once(child, 'exit');
  const report = await Promise.race([
    once(child, 'message').then(([message]) => message as BackendsReport),
    ended.then(() => ({ type: 'failed', reason: 'their process ended' }) as const),
  ]);
  if (report.type === 'failed') throw new Error(`The demo's pages cannot be served: ${report.reason}.`);
  return {
    async stop() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
