import { Child } from './child.ts';
import type { FromControl, ToControl } from './messages.ts';
import { RestartBackoff } from './restart-backoff.ts';

export type ControlChildOptions = {
  readonly spawn: (callbacks: {
    onMessage: (message: FromControl) => void;
    onExit: (how: { code: number | null; signal: string | null }) => void;
  }) => Child<ToControl, FromControl>;
  readonly initMessage: () => ToControl;
  readonly onMessage: (message: FromControl) => void;
  /** Control died; traffic goes on with what was published. */
  readonly onExit: () => void;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
};

/** Keeps ONE control process alive: starts it again when it dies, kills it when it is silent. Traffic does not depend on it. */
export class ControlChild {
  readonly #options: ControlChildOptions;
  readonly #backoff = new RestartBackoff();
  #child: Child<ToControl, FromControl> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  #pingId = 0;
  #gone: (() => void) | undefined;

  constructor(options: ControlChildOptions) {
    this.#options = options;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  start(): void {
    this.#child = this.#options.spawn({ onMessage: this.#options.onMessage, onExit: (how) => this.#onExit(how) });
    this.#child.send(this.#options.initMessage());
  }

  send(message: ToControl): void {
    this.#child?.send(message);
  }

  isLooping(): boolean {
    return this.#backoff.isLooping(performance.now());
  }

  /** Called every second; a control that is silent for `silentMs` is killed and started again. */
  heartbeat(silentMs: number): void {
    if (this.#child === undefined) return;
    if (performance.now() - this.#child.lastHeard > silentMs) {
      this.#options.log('error', 'control gave no sign of life and is replaced', { pid: this.pid });
      this.#child.kill('SIGKILL');
      return;
    }
    this.#pingId += 1;
    this.send({ type: 'ping', id: this.#pingId });
  }

  /** Resolves when it has ended; it is killed after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    if (this.#child === undefined) return;
    const gone = new Promise<void>((resolve) => {
      this.#gone = resolve;
    });
    this.send({ type: 'stop' });
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), graceMs);
    await gone;
    clearTimeout(timer);
  }

  #onExit(how: { code: number | null; signal: string | null }): void {
    const pid = this.pid;
    this.#child = undefined;
    this.#gone?.();
    if (this.#stopping) return;
    const { delayMs, looping } = this.#backoff.died(performance.now());
    this.#options.log('error', 'control ended and is started again; traffic goes on', {
      pid,
      ...how,
      delayMs,
      looping,
    });
    this.#options.onExit();
    this.#timer = setTimeout(() => this.start(), delayMs);
  }
}
