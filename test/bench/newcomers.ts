import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '#test/kit/eventually.ts';
import { type Gateway, startGateway } from './gateway.ts';
import type { Options } from './options.ts';
import { loadCore, proxyCore } from './process-tree.ts';
import { median } from './statistics.ts';
import type { Workshop } from './workshop.ts';

export type Newcomers = {
  /** Per round: milliseconds until the last of the new connections had its answer beside the busy ones. */
  readonly lastAnswerMs: readonly number[];
  /** Per round: live connections of each of two workers after a burst. */
  readonly burst: readonly (readonly number[])[];
};

const BUSY = 256;
const NEW = 400;
const BURST = 200;
const run = promisify(execFile);

/** Does overload shut newcomers out (health checks!), and do workers share a burst? mesh-gateway alone. */
export async function measureNewcomers(
  options: Options,
  workshop: Workshop,
  say: (line: string) => void,
): Promise<Newcomers> {
  const lastAnswerMs: number[] = [];
  const one = await start('one', 1, proxyCore, workshop);
  for (let round = 1; round <= options.rounds; round += 1) {
    say(`round ${round} of ${options.rounds}, one worker`);
    const busy = wrk(one, BUSY, options.seconds + 2);
    await eventually(async () => (await connections(one)).every((count) => count >= BUSY), { timeoutMs: 10_000 });
    lastAnswerMs.push(await answerAll(one.httpPort, NEW));
    await busy;
  }
  await one.stop();

  const burst: number[][] = [];
  const two = await start('two', 2, `${proxyCore},${loadCore}`, workshop);
  for (let round = 1; round <= options.rounds; round += 1) {
    say(`round ${round} of ${options.rounds}, two workers`);
    const load = wrk(two, BURST, options.seconds + 2);
    const reached = async (): Promise<number[] | false> => {
      const counts = await connections(two);
      return counts.reduce((sum, count) => sum + count, 0) >= BURST && counts;
    };
    burst.push(await eventually(reached, { timeoutMs: 10_000 }));
    await load;
    await eventually(async () => (await connections(two)).every((count) => count === 0), { timeoutMs: 10_000 });
  }
  await two.stop();
  return { lastAnswerMs, burst };
}

/** For people: against the targets. */
export function reportNewcomers({ lastAnswerMs, burst }: Newcomers): string {
  const slowest = Math.max(...lastAnswerMs);
  const least = Math.min(...burst.map((counts) => Math.min(...counts)));
  return [
    `${slowest < 1_000 ? 'met   ' : 'MISSED'} ${NEW} new connections beside ${BUSY} busy ones on one worker: all answered after median ${median(lastAnswerMs).toFixed(0)}, slowest ${slowest.toFixed(0)} ms (target: under 1000)`,
    `${least >= BURST * 0.3 ? 'met   ' : 'MISSED'} a burst of ${BURST} on two workers: ${burst.map((counts) => counts.join('/')).join('  ')} (target: at least ${BURST * 0.3} each)`,
  ].join('\n');
}

async function start(name: string, workers: number, core: string, workshop: Workshop): Promise<Gateway> {
  const folder = path.join(workshop.folder, `newcomers-${name}`);
  mkdirSync(folder, { recursive: true });
  const gateway = await startGateway({ workshop, folder, accessLog: 'off', workers, core });
  await eventually(() => answerAll(gateway.httpPort, 1).then(() => true), { timeoutMs: 20_000, what: 'it serves' });
  await wrk(gateway, 64, 2);
  return gateway;
}

async function wrk(gateway: Gateway, count: number, seconds: number): Promise<void> {
  const url = `http://127.0.0.1:${gateway.httpPort}/`;
  await run('taskset', ['-c', loadCore, 'wrk', '-t1', `-c${count}`, `-d${seconds}s`, url]);
}

/** Live connections of each worker, as the admin API tells them (a second late at most). */
async function connections(gateway: Gateway): Promise<number[]> {
  const { stdout } = await run('curl', [
    '-sS',
    '--unix-socket',
    gateway.adminSocket,
    'http://localhost/api/v1/workers',
  ]);
  return (JSON.parse(stdout) as { items: { connections: number }[] }).items.map((worker) => worker.connections);
}

/** Opens `count` connections at once, sends one request on each; the time until the last has its answer. */
async function answerAll(port: number, count: number): Promise<number> {
  const begun = performance.now();
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1', () =>
        socket.write('GET / HTTP/1.1\r\nHost: bench.example\r\nConnection: close\r\n\r\n'),
      );
      socket.once('data', (data) => {
        if (data.toString('latin1').startsWith('HTTP/1.1 200')) resolve();
        else reject(new Error(data.toString('latin1').split('\r\n')[0]));
        socket.destroy();
      });
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed without an answer')));
    });
  await Promise.all(Array.from({ length: count }, one));
  return performance.now() - begun;
}
