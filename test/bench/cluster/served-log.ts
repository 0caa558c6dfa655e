import { closeSync, openSync, readSync } from 'node:fs';
import { eventually } from '#test/kit/eventually.ts';

/** When a version was served by all workers, as the gateway's own log says: milliseconds since the epoch. */
export type Served = { readonly version: number; readonly at: number };

/** Follows the log of a gateway for what is served. */
export class ServedLog {
  readonly #descriptor: number;
  readonly #buffer = Buffer.allocUnsafe(64 * 1024);
  #rest = '';
  #position = 0;
  #latest: Served = { version: 0, at: 0 };

  constructor(file: string) {
    this.#descriptor = openSync(file, 'r');
  }

  /** The newest version, read now. */
  get latest(): Served {
    for (;;) {
      const count = readSync(this.#descriptor, this.#buffer, 0, this.#buffer.length, this.#position);
      if (count === 0) return this.#latest;
      this.#position += count;
      const lines = (this.#rest + this.#buffer.toString('latin1', 0, count)).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#take(line);
    }
  }

  /** Waits until nothing new was served for so long; gives the newest. */
  async quiet(ms: number): Promise<Served> {
    let { latest } = this;
    let since = performance.now();
    return eventually(
      () => {
        const now = this.latest;
        if (now.version !== latest.version) since = performance.now();
        latest = now;
        return performance.now() - since >= ms && latest;
      },
      { timeoutMs: 60_000, what: 'the gateway comes to rest' },
    );
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #take(line: string): void {
    if (!line.includes('a new version is served by all workers')) return;
    const { time, version } = JSON.parse(line) as { readonly time: number; readonly version: number };
    this.#latest = { version, at: new Date(time).getTime() };
  }
}
