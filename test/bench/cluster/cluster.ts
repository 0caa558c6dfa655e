import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '#test/kit/eventually.ts';
import { type Gateway, startGateway } from '../gateway.ts';
import { evenRateOf, type Load, type Notes } from '../load.ts';
import {
  cpuOf,
  loadCore,
  peakResidentMb,
  proxyCore,
  residentMb,
  rolesOf,
  setSessionNiceness,
  startWithChannel,
  stolenMs,
  stopTree,
} from '../process-tree.ts';
import { answers, type Workshop } from '../workshop.ts';
import type { ClusterAnswer, ClusterOrder } from './messages.ts';
import { type ClusterSize, clusterOf, wideClusterOf } from './objects.ts';
import { PauseWatch } from './pauses.ts';
import { ServedLog } from './served-log.ts';

/** What a cluster of some size costs. */
export type SizeFigures = {
  readonly services: number;
  readonly hosts: number;
  readonly endpoints: number;
  /** From the start of the program to the first answer. */
  readonly coldStartS: number;
  readonly controlMb: number;
  readonly controlPeakMb: number;
  readonly workersMb: readonly number[];
  /** For each change of one endpoint: from the change in the API server until all workers serve it. */
  readonly changesMs: readonly number[];
  /** CPU of control for one such change. */
  readonly controlCpuMs: number;
};

/** Many changes a second beside requests. */
export type StormFigures = {
  readonly quiet: Load;
  readonly busy: Load;
  readonly perSecond: number;
  readonly changes: number;
  readonly publications: number;
  /** From the last change until all workers serve it. */
  readonly backlogMs: number;
  /** Largest lateness of the event loop during the storm, by process. */
  readonly loopDelayMs: Readonly<Record<string, number>>;
  /** Share of one core. */
  readonly controlCpu: number;
  /** Of both cores together, in the quiet load and in the busy one: what disturbs requests though nobody here does. */
  readonly stolenMs: { readonly quiet: number; readonly busy: number };
  /** The longest time for which a core of this machine stood still; undefined where that cannot be seen. */
  readonly pausedMs: { readonly quiet: number; readonly busy: number } | undefined;
  readonly controlMb: number;
  readonly workersMb: readonly number[];
};

export type ClusterFigures = { readonly sizes: readonly SizeFigures[]; readonly storms: readonly StormFigures[] };

const WORKERS = 2;
const CHANGES = 300;
const STORM = { perSecond: 1_000, seconds: 10 } as const;
/** Quiet and busy by turns, until so many rounds were undisturbed; the worst of those is judged. */
export const STORM_ROUNDS = 3;
/** A machine on which other guests never leave off is no machine to measure on. */
const MAX_STORMS = 9;
/** The p99 is of one request in a hundred: half a hundredth of the time of two cores decides it alone. */
const DISTURBED_MS = 100;
/** A loop may be late by twice that; what stops a core for so long is none of its doing. */
const PAUSED_MS = 10;
const REQUESTS_PER_SECOND = 2_000;
/** A process is at rest when it uses less than this share of a core. */
const REST = 0.05;
const SETTLE_MS = 4_000;

/** A small and a wide cluster for the price of a change, and the one that the targets speak of. */
export async function measureCluster(workshop: Workshop, say: (line: string) => void): Promise<ClusterFigures> {
  const sizes: SizeFigures[] = [];
  // Clients and backends are elsewhere: they do not wait for a core that the gateway has.
  for (const pid of [process.pid, workshop.backendPid ?? 0])
    if (!setSessionNiceness(pid, -10))
      say('the load has no precedence here (root alone can give it): it waits for cores as well');
  for (const size of [clusterOf(100), wideClusterOf(10_000)]) {
    const { figures, close } = await openGateway(size, workshop, say);
    sizes.push(figures);
    await close();
  }
  const { figures, gateway, ask, log, close } = await openGateway(clusterOf(5_000), workshop, say);
  say(`${STORM.perSecond} changes/s beside ${REQUESTS_PER_SECOND} requests/s`);
  await evenRateOf(REQUESTS_PER_SECOND, `http://127.0.0.1:${gateway.httpPort}/`, 3, workshop.folder);
  const pauses = await PauseWatch.start([proxyCore, loadCore]);
  if (pauses === undefined) say('pauses of the machine are not seen here (root alone can watch for them)');
  const storms: StormFigures[] = [];
  while (storms.filter(isUndisturbed).length < STORM_ROUNDS && storms.length < MAX_STORMS)
    storms.push(await measureStorm(gateway, ask, log, { workshop, pauses }));
  await pauses?.stop();
  await close();
  return { sizes: [...sizes, figures], storms };
}

/** Other guests of the host took hardly anything from this machine, and no core of it was stopped. */
export function isUndisturbed({ stolenMs, pausedMs = { quiet: 0, busy: 0 } }: StormFigures): boolean {
  return Math.max(stolenMs.quiet, stolenMs.busy) < DISTURBED_MS && Math.max(pausedMs.quiet, pausedMs.busy) < PAUSED_MS;
}

type Ask = (order: ClusterOrder) => Promise<ClusterAnswer>;

async function openGateway(size: ClusterSize, workshop: Workshop, say: (line: string) => void) {
  const folder = path.join(workshop.folder, `cluster-${size.services}`);
  mkdirSync(folder, { recursive: true });
  const child = startWithChannel(loadCore, [
    process.execPath,
    // It has all the memory that it wants: collecting garbage it would take the core from the load.
    '--max-semi-space-size=64',
    fileURLToPath(new URL('api-process.ts', import.meta.url)),
  ]);
  const ask: Ask = async (order) => {
    child.send(order);
    const [answer] = (await once(child, 'message')) as [ClusterAnswer];
    return answer;
  };
  const { kubeconfig = '' } = await ask({ kind: 'open', size, backendPort: workshop.backendPort });
  const kubeconfigFile = path.join(folder, 'kubeconfig');
  writeFileSync(kubeconfigFile, kubeconfig, { mode: 0o600 });
  const options = { workshop, folder, accessLog: 'off', workers: WORKERS } as const;
  const begun = performance.now();
  const cores = `${proxyCore},${loadCore}`;
  const gateway = await startGateway({ ...options, kubeconfig: kubeconfigFile, core: cores });
  const url = `http://127.0.0.1:${gateway.httpPort}/`;
  await answers(url, `a cluster of ${size.services} services is served`);
  const coldStartS = (performance.now() - begun) / 1_000;
  say(`${size.services} services served ${coldStartS.toFixed(1)} s after the start`);
  const log = new ServedLog(gateway.output);
  await log.quiet(SETTLE_MS);
  // It still writes what it keeps.
  await areAtRest(rolesOf(gateway.pid ?? 0).control, 'control');
  const memory = memoryOf(gateway);
  const figures: SizeFigures = {
    services: size.services,
    hosts: size.services * size.hostsPerService,
    endpoints: size.services * size.podsPerService,
    coldStartS,
    ...memory,
    ...(await measureChanges(gateway, ask, log)),
  };
  const close = async (): Promise<void> => {
    log.close();
    await gateway.stop();
    child.disconnect();
    await stopTree(child);
  };
  return { figures, gateway, ask, log, close };
}

async function areAtRest(pids: readonly number[], who: string): Promise<void> {
  const used = async (): Promise<number> => {
    const [begun, before] = [performance.now(), cpuOf(pids).totalNs];
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return (cpuOf(pids).totalNs - before) / 1e6 / (performance.now() - begun);
  };
  await eventually(async () => (await used()) < REST, { timeoutMs: 30_000, what: `${who} is at rest` });
}

function memoryOf(gateway: Gateway): Pick<SizeFigures, 'controlMb' | 'controlPeakMb' | 'workersMb'> {
  const { control, workers } = rolesOf(gateway.pid ?? 0);
  return {
    controlMb: residentMb(control[0] ?? 0),
    controlPeakMb: peakResidentMb(control[0] ?? 0),
    workersMb: workers.map(residentMb),
  };
}

/** One change after the other, each when the one before is served. */
async function measureChanges(
  gateway: Gateway,
  ask: Ask,
  log: ServedLog,
): Promise<Pick<SizeFigures, 'changesMs' | 'controlCpuMs'>> {
  const { control } = rolesOf(gateway.pid ?? 0);
  const changesMs: number[] = [];
  const before = cpuOf(control).totalNs;
  for (let index = 0; index < CHANGES; index++) {
    const { version } = log.latest;
    const { at = 0 } = await ask({ kind: 'change', index });
    const served = await eventually(() => log.latest.version > version && log.latest, { what: 'a change is served' });
    changesMs.push(served.at - at);
  }
  return { changesMs, controlCpuMs: (cpuOf(control).totalNs - before) / 1e6 / CHANGES };
}

async function measureStorm(
  gateway: Gateway,
  ask: Ask,
  log: ServedLog,
  { workshop, pauses }: { readonly workshop: Workshop; readonly pauses: PauseWatch | undefined },
): Promise<StormFigures> {
  const url = `http://127.0.0.1:${gateway.httpPort}/`;
  // Reading the notes of the round before left garbage here, which four threads collect.
  await areAtRest([process.pid], 'the benchmark');
  const load = (seconds: number): Promise<Notes> => evenRateOf(REQUESTS_PER_SECOND, url, seconds, workshop.folder);
  await pauses?.longestMs();
  const begun = stolenMs();
  const quiet = await load(STORM.seconds);
  const stolenQuiet = stolenMs() - begun;
  const pausedQuiet = await pauses?.longestMs();
  await lagOf(gateway);
  const { control } = rolesOf(gateway.pid ?? 0);
  const before = { cpu: cpuOf(control).totalNs, version: log.latest.version, stolen: stolenMs() };
  const [busy, { at = 0, changes = 0 }] = await Promise.all([load(STORM.seconds), ask({ kind: 'storm', ...STORM })]);
  const loopDelayMs = await lagOf(gateway);
  const stolen = stolenMs() - before.stolen;
  const pausedBusy = await pauses?.longestMs();
  const last = await log.quiet(1_000);
  const used = cpuOf(control).totalNs - before.cpu;
  return {
    quiet: quiet(),
    busy: busy(),
    perSecond: STORM.perSecond,
    changes,
    publications: last.version - before.version,
    backlogMs: Math.max(0, last.at - at),
    loopDelayMs,
    controlCpu: used / 1e9 / STORM.seconds,
    stolenMs: { quiet: stolenQuiet, busy: stolen },
    pausedMs:
      pausedQuiet === undefined || pausedBusy === undefined ? undefined : { quiet: pausedQuiet, busy: pausedBusy },
    ...memoryOf(gateway),
  };
}

/** Largest lateness of each event loop since the last look, from the metrics page. */
async function lagOf(gateway: Gateway): Promise<Record<string, number>> {
  const page = await (await fetch(`http://127.0.0.1:${gateway.metricsPort}/stats/prometheus`)).text();
  const lines = page.matchAll(/^nodejs_eventloop_lag_max_seconds\{role="(\w+)"(?:,worker="(\d+)")?\} (\S+)$/gm);
  return Object.fromEntries(
    [...lines].map(([, role, worker, seconds]) => [
      `${role}${worker === undefined ? '' : ` ${worker}`}`,
      Number(seconds) * 1_000,
    ]),
  );
}
