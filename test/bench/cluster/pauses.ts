import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startWithChannel, stopTree } from '../process-tree.ts';

/**
 * Sees when a core of this machine stands still: a host can stop those of a virtual machine for tens of ms without counting
 * it as steal, and then event loops are late, whatever runs here. Seen by threads that no program may keep from a core.
 */
export class PauseWatch {
  readonly #clocks: readonly ChildProcess[];

  private constructor(clocks: readonly ChildProcess[]) {
    this.#clocks = clocks;
  }

  /** Undefined where this process may give nothing real-time priority. */
  static async start(cores: readonly string[]): Promise<PauseWatch | undefined> {
    const program = fileURLToPath(new URL('pause-clock.ts', import.meta.url));
    const watch = new PauseWatch(cores.map((core) => startWithChannel(core, [process.execPath, program])));
    // Not before they are up: starting takes a core for a tenth of a second.
    await Promise.all(watch.#clocks.map((clock) => once(clock, 'message')));
    if (watch.#clocks.every(setRealTime)) return watch;
    await watch.stop();
    return undefined;
  }

  /** The longest time since the last look for which a core stood still, in ms. */
  async longestMs(): Promise<number> {
    return Math.max(...(await Promise.all(this.#clocks.map(longestWait))));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clocks.map(stopTree));
  }
}

/** All threads of it come before whatever else runs on their core. */
function setRealTime({ pid }: ChildProcess): boolean {
  try {
    execFileSync('chrt', ['--all-tasks', '--fifo', '--pid', '99', String(pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function longestWait(clock: ChildProcess): Promise<number> {
  clock.send('report');
  const [ms] = (await once(clock, 'message')) as [number];
  return ms;
}
