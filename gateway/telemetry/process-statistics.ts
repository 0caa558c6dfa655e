/**
 * What every role reports about its own process. Observation of garbage collection and of the event loop begins
 * with the first call; roles call once at their start and then at every collection.
 */
import { monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks';
import { type ProcessStatistics, STATISTICS_SCHEMA, type Statistics } from './statistics.ts';

/** How often the event loop's lateness is sampled: a stall shorter than this may hide between two samples. */
const SAMPLE_MS = 10;

type Monitor = {
  readonly delay: ReturnType<typeof monitorEventLoopDelay>;
  collections: number;
  collectionMs: number;
};

/** One per process, as the facts are. */
let monitor: Monitor | undefined;

/** The content of this role's statistics file; a worker's traffic comes to it. */
export function roleStatistics(
  role: Statistics['role'],
  parts: { readonly index?: number } = {},
): Omit<Statistics, 'proxy'> {
  return { schema: STATISTICS_SCHEMA, role, at: Date.now(), process: processStatistics(), ...parts };
}

/** Facts about this process; the event loop's delay is that since the previous call. */
function processStatistics(): ProcessStatistics {
  monitor ??= startMonitor();
  const eventLoopDelaySeconds = lateness(monitor.delay);
  monitor.delay.reset();
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  return {
    pid: process.pid,
    startTimeSeconds: performance.timeOrigin / 1e3,
    residentBytes: memory.rss,
    heapUsedBytes: memory.heapUsed,
    externalBytes: memory.external,
    cpuUserSeconds: cpu.user / 1e6,
    cpuSystemSeconds: cpu.system / 1e6,
    eventLoopDelaySeconds,
    garbageCollections: monitor.collections,
    garbageCollectionSeconds: monitor.collectionMs / 1e3,
  };
}

function startMonitor(): Monitor {
  const started: Monitor = { delay: monitorEventLoopDelay({ resolution: SAMPLE_MS }), collections: 0, collectionMs: 0 };
  started.delay.enable();
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      started.collections += 1;
      started.collectionMs += entry.duration;
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return started;
}

function lateness(delay: Monitor['delay']): ProcessStatistics['eventLoopDelaySeconds'] {
  if (delay.count === 0) return { mean: 0, p99: 0, max: 0 };
  // The histogram holds the distance between samples: the sampling interval itself is no delay.
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - SAMPLE_MS / 1e3);
  return { mean: late(delay.mean), p99: late(delay.percentile(99)), max: late(delay.max) };
}
