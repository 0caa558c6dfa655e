import { atFixedRate, handshakes, type Load, saturate } from './load.ts';
import type { ScenarioName } from './options.ts';
import type { Peer } from './peers.ts';
import { type CpuTime, cpuTime, type Memory, memory } from './process-tree.ts';

/** One peer in one scenario of one round. */
export type Sample = Load & {
  /** CPU microseconds of the peer's process tree for each finished request or handshake; absent for `direct`. */
  readonly cpuUs?: number;
  readonly userUs?: number;
  readonly systemUs?: number;
  readonly memory?: Memory;
};

/** Runs one scenario against a peer, or undefined when it has no such listener. */
export async function measure(
  peer: Peer,
  scenario: ScenarioName,
  seconds: number,
  folder: string,
): Promise<Sample | undefined> {
  const { httpPort, httpsPort, pid } = peer;
  if (httpsPort === undefined && (scenario === 'tls' || scenario === 'full' || scenario === 'resumed'))
    return undefined;
  return sampled(pid, () => load(scenario, httpPort, httpsPort ?? 0, seconds, folder));
}

/** The CPU time that `run` costs the process tree of `pid`. */
export async function sampled(pid: number | undefined, run: () => Promise<Load>): Promise<Sample> {
  if (pid === undefined) return run();
  const before = cpuTime(pid);
  const result = await run();
  return { ...result, ...perRequest(before, cpuTime(pid), result.count), memory: memory(pid) };
}

function load(scenario: ScenarioName, http: number, https: number, seconds: number, folder: string): Promise<Load> {
  switch (scenario) {
    case 'plain':
    case 'log':
      return saturate(`http://127.0.0.1:${http}/`, seconds);
    case 'tls':
      return saturate(`https://127.0.0.1:${https}/`, seconds);
    case 'rate':
      return atFixedRate(`http://127.0.0.1:${http}/`, seconds, folder);
    default:
      return handshakes(https, seconds, scenario);
  }
}

function perRequest(
  before: CpuTime,
  after: CpuTime,
  count: number,
): { cpuUs: number; userUs: number; systemUs: number } {
  const cpuUs = (after.totalNs - before.totalNs) / 1_000 / count;
  const user = after.userTicks - before.userTicks;
  const system = after.systemTicks - before.systemTicks;
  const userUs = (cpuUs * user) / Math.max(1, user + system);
  return { cpuUs, userUs, systemUs: cpuUs - userUs };
}
