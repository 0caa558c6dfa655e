/**
 * The statistics file of one process, as the metrics side reads it. The writing side has its own type
 * (`gateway/telemetry/statistics.ts`); a test writes one and reads it here, so that the two stay equal.
 */

/** Files of any other version are left out, which happens only while an upgrade hands over. */
const SCHEMA = 1;

export type Statistics = {
  readonly schema: number;
  readonly role: 'supervisor' | 'control' | 'worker';
  readonly index?: number;
  readonly process: ProcessFacts;
  readonly proxy?: ProxyFacts;
};

export type ProcessFacts = {
  readonly pid: number;
  readonly startTimeSeconds: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly externalBytes: number;
  readonly cpuUserSeconds: number;
  readonly cpuSystemSeconds: number;
  readonly eventLoopDelaySeconds: { readonly mean: number; readonly p99: number; readonly max: number };
  readonly garbageCollections: number;
  readonly garbageCollectionSeconds: number;
};

export type ProxyFacts = {
  readonly commonLabels: Readonly<Record<string, string>>;
  readonly durationBoundsMs: readonly number[];
  readonly sizeBoundsBytes: readonly number[];
  readonly requests: readonly RequestSeries[];
  readonly counters: Readonly<Record<string, number>>;
  readonly gauges: Readonly<Record<string, number>>;
};

export type RequestSeries = {
  readonly labels: Readonly<Record<string, string>>;
  readonly requests: number;
  readonly durationMs: HistogramData;
  readonly requestBytes: HistogramData;
  readonly responseBytes: HistogramData;
};

/** `counts` are not cumulative; one more than there are bounds. */
export type HistogramData = { readonly sum: number; readonly counts: readonly number[] };

/** The statistics, or undefined when this is something else: a truncated file, another version. */
export function toStatistics(value: unknown): Statistics | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { schema, process } = value as Partial<Statistics>;
  // Our own process wrote it, atomically, with the version it states: the version stands for the rest.
  return schema === SCHEMA && typeof process === 'object' ? (value as Statistics) : undefined;
}
