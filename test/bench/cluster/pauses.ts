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
    if (!mayUseRealTime()) return undefined;
    const program = fileURLToPath(new URL('pause-clock.ts', import.meta.url));
    const clocks = cores.map((core) => startWithChannel(core, ['chrt', '-f', '99', process.execPath, program]));
    await Promise.all(clocks.map((clock) => once(clock, 'message')));
    return new PauseWatch(clocks);
  }

  /** The longest time since the last look for which a core stood still, in ms. */
  async longestMs(): Promise<number> {
    return Math.max(...(await Promise.all(this.#clocks.map(longestWait))));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clocks.map(stopTree));
  }
}

function mayUseRealTime(): boolean {
  try {
    execFileSync('chrt', ['-f', '99', 'true'], { stdio: 'ignore' });
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
