import { type ChildProcess, fork } from 'node:child_process';
import type { ListeningSocket } from './listening-socket.ts';

/** What a child process is to the supervisor: something to talk to, to time, and to kill. */
export type ChildOptions<In> = {
  readonly role: 'control' | 'worker';
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
  readonly execArgv: readonly string[];
  /** Another program than this Node; for tests. */
  readonly execPath?: string;
  readonly onMessage: (message: In) => void;
  readonly onExit: (how: { readonly code: number | null; readonly signal: string | null }) => void;
};

/** A forked role with its typed channel. Any message counts as a sign of life. Ends by `kill` or by itself; `onExit` is called once. */
export class Child<Out extends { readonly type: string }, In extends { readonly type: string }> {
  readonly #process: ChildProcess | undefined;
  readonly startedAt = Date.now();
  /** Monotonic milliseconds of the last message from it. */
  lastHeard = performance.now();
  #gone = false;

  constructor(options: ChildOptions<In>) {
    const gone = (code: number | null, signal: string | null): void => {
      if (this.#gone) return;
      this.#gone = true;
      options.onExit({ code, signal });
    };
    this.#process = tryFork(options);
    if (this.#process === undefined) {
      setImmediate(gone, null, null);
      return;
    }
    this.#process.on('message', (message) => {
      this.lastHeard = performance.now();
      options.onMessage(message as In);
    });
    // A child that could not be forked (EAGAIN, ENOMEM) never exits; a failed send shows as an exit soon after.
    this.#process.on('error', () => {
      if (this.#process?.pid === undefined) gone(null, null);
    });
    this.#process.once('exit', gone);
  }

  /** 0 for a child that could not be forked. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Sends in order; a listening socket travels as a copy of its descriptor. Nothing happens when the child is gone. */
  send(message: Out, socket?: ListeningSocket): void {
    if (this.#gone || !this.#process?.connected) return;
    if (socket === undefined) this.#process.send(message, ignoreClosed);
    else this.#process.send(message, socket.handle, ignoreClosed);
  }

  kill(signal: 'SIGKILL' | 'SIGTERM'): void {
    if (!this.#gone) this.#process?.kill(signal);
  }
}

/** Node throws for some failures to fork and emits 'error' for others. */
function tryFork<In>(options: ChildOptions<In>): ChildProcess | undefined {
  try {
    return fork(options.entry, [], {
      env: { ...options.env, MESH_GATEWAY_ROLE: options.role },
      execArgv: [...options.execArgv],
      execPath: options.execPath ?? process.execPath,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'json',
    });
  } catch {
    return undefined;
  }
}

/** The channel closes under a message when the child dies; its exit event tells. */
function ignoreClosed(): void {}
