import { median, percentile } from '../statistics.ts';
import { type ClusterFigures, isUndisturbed, type SizeFigures, STORM_ROUNDS, type StormFigures } from './cluster.ts';

/** For people: each figure beside its target. */
export function reportCluster({ sizes, storms }: ClusterFigures): string {
  return [...sizes.map(describeSize), ...judgeTarget(sizes), ...judgeChanges(sizes), ...judgeStorm(storms)].join('\n');
}

function describeSize(size: SizeFigures): string {
  const { services, hosts, endpoints, coldStartS, controlMb, controlPeakMb, workersMb, changesMs, controlCpuMs } = size;
  const sorted = changesMs.toSorted((a, b) => a - b);
  return (
    `${services} services, ${hosts} VirtualServices, ${endpoints} endpoints: served after ${coldStartS.toFixed(1)} s; ` +
    `control ${controlMb.toFixed(0)} MB (peak ${controlPeakMb.toFixed(0)}), workers ${workersMb.map((mb) => mb.toFixed(0)).join(' and ')} MB; ` +
    `an endpoint change is served by all workers after median ${median(sorted).toFixed(0)}, p99 ${percentile(sorted, 99).toFixed(0)}, at most ${sorted.at(-1)?.toFixed(0)} ms, and costs control ${controlCpuMs.toFixed(2)} ms of CPU`
  );
}

/** The last size is the one that the targets speak of. */
function judgeTarget(sizes: readonly SizeFigures[]): string[] {
  const size = sizes.at(-1);
  if (size === undefined) return [];
  const { coldStartS, controlMb, workersMb } = size;
  return [
    verdict(coldStartS < 10, `start to serving ${coldStartS.toFixed(1)} s (target: under 10)`),
    verdict(controlMb < 600, `control ${controlMb.toFixed(0)} MB (target: under 600)`),
    verdict(Math.max(...workersMb) < 250, `a worker ${Math.max(...workersMb).toFixed(0)} MB (target: under 250)`),
  ];
}

function judgeChanges(sizes: readonly SizeFigures[]): string[] {
  const slowest = Math.max(
    ...sizes.map(({ changesMs }) =>
      percentile(
        changesMs.toSorted((a, b) => a - b),
        99,
      ),
    ),
  );
  const [small, wide] = sizes;
  const ratio = (wide?.controlCpuMs ?? 0) / (small?.controlCpuMs ?? 1);
  return [
    verdict(
      slowest < 50,
      `an endpoint change is served by all workers within ${slowest.toFixed(0)} ms, p99 (target: under 50)`,
    ),
    verdict(
      ratio < 1.5,
      `a change costs control ${ratio.toFixed(2)} times as much at ${wide?.services} services as at ${small?.services} (target: the same)`,
    ),
  ];
}

function judgeStorm(storms: readonly StormFigures[]): string[] {
  const judged = storms.filter(isUndisturbed);
  const undisturbed = verdict(
    judged.length >= STORM_ROUNDS,
    `${judged.length} of ${storms.length} storms were not disturbed by the host and are judged (needed: ${STORM_ROUNDS})`,
  );
  if (judged.length === 0) return [...storms.map(describeStorm), undisturbed];
  const increases = judged.map(p99Increase);
  const more = Math.max(...increases);
  const worker = Math.max(...judged.flatMap(({ loopDelayMs }) => lateWorkers(loopDelayMs)));
  const backlog = Math.max(...judged.map(({ backlogMs }) => backlogMs));
  return [
    ...storms.map(describeStorm),
    undisturbed,
    verdict(
      more <= 5,
      `p99 at most ${more.toFixed(2)} ms more than quiet, median ${median(increases).toFixed(2)} (target: at most 5)`,
    ),
    verdict(worker <= 20, `a worker's event loop is late by at most ${worker.toFixed(0)} ms (target: 20)`),
    verdict(backlog < 1_000, `the last change is served ${backlog.toFixed(0)} ms after it (target: no backlog)`),
  ];
}

function describeStorm(storm: StormFigures): string {
  const { quiet, busy, changes, publications, loopDelayMs, controlCpu, perSecond } = storm;
  const { stolenMs, pausedMs, controlMb, workersMb } = storm;
  const loops = Object.entries(loopDelayMs).map(([name, ms]) => `${name} ${ms.toFixed(0)}`);
  const errors = [quiet.errors, busy.errors].filter((text) => text !== '');
  return (
    `${isUndisturbed(storm) ? '' : 'disturbed: '}${perSecond} changes/s: p99 ${p99Ms(quiet).toFixed(2)} ms quiet, ${p99Ms(busy).toFixed(2)} busy; ${changes} changes in ${publications} versions; ` +
    `control used ${(controlCpu * 100).toFixed(0)} % of a core; event loops at most late by (ms): ${loops.join(', ')}; ` +
    `afterwards control has ${controlMb.toFixed(0)} MB, workers ${workersMb.map((mb) => mb.toFixed(0)).join(' and ')} MB; ` +
    `other guests of this machine's host took ${stolenMs.quiet} and ${stolenMs.busy} ms from it${pausedMs === undefined ? '' : `, and a core stood still for at most ${pausedMs.quiet.toFixed(0)} and ${pausedMs.busy.toFixed(0)} ms`}${errors.length === 0 ? '' : `; ERRORS: ${errors.join('; ')}`}`
  );
}

function p99Increase({ quiet, busy }: StormFigures): number {
  return p99Ms(busy) - p99Ms(quiet);
}

function p99Ms({ p99Us }: StormFigures['quiet']): number {
  return (p99Us ?? Number.NaN) / 1_000;
}

function lateWorkers(loopDelayMs: StormFigures['loopDelayMs']): number[] {
  return Object.entries(loopDelayMs).flatMap(([name, ms]) => (name.startsWith('worker') ? [ms] : []));
}

function verdict(isMet: boolean, text: string): string {
  return `${isMet ? 'met   ' : 'MISSED'} ${text}`;
}
