import { counter, type Family, gauge, type Labels } from './families.ts';
import type { ProcessFacts, Statistics } from './input.ts';

/** What every process of the appliance uses, by role and worker index. */
export function processFamilies(all: readonly Statistics[]): Family[] {
  const each = (value: (facts: ProcessFacts) => number) =>
    all.map((one) => ({ labels: labelsOf(one), value: value(one.process) }));
  return [
    counter(
      'process_cpu_seconds_total',
      'CPU time used, user and system.',
      each((p) => p.cpuUserSeconds + p.cpuSystemSeconds),
    ),
    counter(
      'process_cpu_user_seconds_total',
      'CPU time used in user space.',
      each((p) => p.cpuUserSeconds),
    ),
    counter(
      'process_cpu_system_seconds_total',
      'CPU time used in the kernel.',
      each((p) => p.cpuSystemSeconds),
    ),
    gauge(
      'process_start_time_seconds',
      'Start of the process since the epoch.',
      each((p) => p.startTimeSeconds),
    ),
    gauge(
      'process_resident_memory_bytes',
      'Resident memory.',
      each((p) => p.residentBytes),
    ),
    gauge(
      'nodejs_heap_size_used_bytes',
      'Used JavaScript heap.',
      each((p) => p.heapUsedBytes),
    ),
    gauge(
      'nodejs_external_memory_bytes',
      'Memory held outside the JavaScript heap.',
      each((p) => p.externalBytes),
    ),
    counter(
      'nodejs_gc_runs_total',
      'Garbage collections.',
      each((p) => p.garbageCollections),
    ),
    counter(
      'nodejs_gc_seconds_total',
      'Time spent in garbage collection.',
      each((p) => p.garbageCollectionSeconds),
    ),
    gauge(
      'nodejs_eventloop_lag_mean_seconds',
      'Mean lateness of the event loop since the last scrape.',
      each((p) => p.eventLoopDelaySeconds.mean),
    ),
    gauge(
      'nodejs_eventloop_lag_p99_seconds',
      '99th percentile of the lateness of the event loop since the last scrape.',
      each((p) => p.eventLoopDelaySeconds.p99),
    ),
    gauge(
      'nodejs_eventloop_lag_max_seconds',
      'Largest lateness of the event loop since the last scrape.',
      each((p) => p.eventLoopDelaySeconds.max),
    ),
  ];
}

function labelsOf({ role, index }: Statistics): Labels {
  return index === undefined ? { role } : { role, worker: String(index) };
}
