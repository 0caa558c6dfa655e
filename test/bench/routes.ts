import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '#test/kit/eventually.ts';
import { type Gateway, hostNames, startGateway } from './gateway.ts';
import { saturate } from './load.ts';
import { type Sample, sampled } from './measure.ts';
import type { Options } from './options.ts';
import { loadCore, proxyCore } from './process-tree.ts';
import { median, minimum } from './statistics.ts';
import type { Workshop } from './workshop.ts';

export type RoutesComparison = {
  readonly hosts: number;
  readonly one: readonly Sample[];
  readonly many: readonly Sample[];
  /** Milliseconds from the request for a new weight to the answer that every worker serves it. */
  readonly changesMs: readonly number[];
};

const run = promisify(execFile);

/** One host against `options.routes` of them, in turns; the requests go round all hosts. */
export async function compareRoutes(
  options: Options,
  workshop: Workshop,
  say: (line: string) => void,
): Promise<RoutesComparison> {
  const { routes: hosts, rounds, seconds } = options;
  const start = async (count: number, workers: number, core: string): Promise<{ gateway: Gateway; script: string }> => {
    const folder = path.join(workshop.folder, `hosts-${count}-workers-${workers}`);
    mkdirSync(folder, { recursive: true });
    const gateway = await startGateway({ workshop, folder, accessLog: 'off', workers, hosts: count, core });
    const script = path.join(folder, 'hosts.lua');
    writeFileSync(script, hostsScript(hostNames(count)));
    const begun = performance.now();
    await servesHost(gateway, hostNames(count).at(-1) ?? '');
    say(`${count} hosts served ${((performance.now() - begun) / 1_000).toFixed(1)} s after the start`);
    return { gateway, script };
  };
  const one = await start(1, options.workers, proxyCore);
  const many = await start(hosts, options.workers, proxyCore);
  const round = ({ gateway, script }: typeof one, length: number): Promise<Sample> =>
    sampled(gateway.pid, () => saturate(`http://127.0.0.1:${gateway.httpPort}/`, length, script));
  const samples = { one: [] as Sample[], many: [] as Sample[] };
  await round(one, 1);
  await round(many, 2);
  for (let index = 1; index <= rounds; index++) {
    say(`round ${index} of ${rounds}`);
    samples.one.push(await round(one, seconds));
    samples.many.push(await round(many, seconds));
  }
  await one.gateway.stop();
  await many.gateway.stop();

  // "served by all workers" means something only with several, on all cores as in life
  const several = await start(hosts, Math.max(2, options.workers), `${proxyCore},${loadCore}`);
  const changesMs: number[] = [];
  for (let index = 1; index <= rounds; index++) changesMs.push(await changeWeight(several.gateway, hosts, index));
  await several.gateway.stop();
  return { hosts, ...samples, changesMs };
}

/** For people: the ratio by the minimum, and the time of a change. */
export function reportRoutes({ hosts, one, many, changesMs }: RoutesComparison): string {
  const cpu = (samples: readonly Sample[]): number[] => samples.map((sample) => sample.cpuUs ?? Number.NaN);
  const line = (name: string, samples: readonly Sample[]): string =>
    `${name.padEnd(14)} CPU us/request min ${minimum(cpu(samples)).toFixed(2)} median ${median(cpu(samples)).toFixed(2)}` +
    `  ${median(samples.map((sample) => sample.perSecond)).toFixed(0)}/s  RSS ${median(samples.map((sample) => sample.memory?.rssMb ?? 0)).toFixed(0)} MB` +
    samples.map((sample) => (sample.errors === '' ? '' : `  ERRORS: ${sample.errors}`)).join('');
  const ratio = minimum(cpu(many)) / minimum(cpu(one));
  const slowest = Math.max(...changesMs);
  return [
    line('1 host', one),
    line(`${hosts} hosts`, many),
    `${ratio <= 1.1 ? 'met   ' : 'MISSED'} ${ratio.toFixed(3)} x one host's CPU (target: at most 1.10)`,
    `${slowest < 200 ? 'met   ' : 'MISSED'} a weight change is served by all workers after min ${minimum(changesMs).toFixed(0)}, median ${median(changesMs).toFixed(0)}, slowest ${slowest.toFixed(0)} ms (target: under 200)`,
  ].join('\n');
}

/** Requests in a fixed shuffled order, so that neighbours in the table are not neighbours in time. */
function hostsScript(hosts: readonly string[]): string {
  return `local hosts = { ${hosts.map((host) => `"${host}"`).join(', ')} }
local requests, count, position = {}, #hosts, 0
init = function()
  for index = 1, count do requests[index] = wrk.format("GET", "/", { ["Host"] = hosts[index] }) end
end
request = function()
  position = (position + 7919) % count
  return requests[position + 1]
end
`;
}

async function servesHost(gateway: Gateway, host: string): Promise<void> {
  // fetch would not let the Host header be set
  await eventually(
    async () =>
      (await curl(
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        '-H',
        `Host: ${host}`,
        `http://127.0.0.1:${gateway.httpPort}/`,
      )) === '200',
    { timeoutMs: 120_000, what: `${host} is served` },
  );
}

async function changeWeight(gateway: Gateway, hosts: number, index: number): Promise<number> {
  const name = (hostNames(hosts)[(index * 4_999) % hosts] ?? '').replace('.example', '');
  const weights = JSON.stringify({ weights: { v1: 90 - index, v2: 10 + index } });
  const url = `http://localhost/api/v1/traffic/default/${name}`;
  const request = [
    '--unix-socket',
    gateway.adminSocket,
    '-X',
    'PUT',
    '-H',
    'content-type: application/json',
    '-d',
    weights,
  ];
  const answer = await curl(...request, '-o', '/dev/null', '-w', '%{http_code} %{time_total}', url);
  const [status, seconds] = answer.split(' ');
  if (status !== '200') throw new Error(`the weight change of ${name} was answered with ${status}`);
  return Number(seconds) * 1_000;
}

async function curl(...args: readonly string[]): Promise<string> {
  return (await run('curl', ['-sS', '-m', '30', ...args])).stdout;
}
