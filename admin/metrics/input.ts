/** Reads the statistics file of one process, as its role wrote it (`gateway/telemetry/statistics.ts`). */
import type {
  HistogramData,
  ProcessStatistics as ProcessFacts,
  ProxyStatistics,
  RequestSeries,
  Statistics as WrittenStatistics,
} from '../../gateway/telemetry/statistics.ts';

export type { HistogramData, ProcessFacts, RequestSeries };

/** Sums over workers begin with no counter at all, so here the names are open. */
export type ProxyFacts = Omit<ProxyStatistics, 'counters' | 'gauges'> & {
  readonly counters: Readonly<Record<string, number>>;
  readonly gauges: Readonly<Record<string, number>>;
};

export type Statistics = Omit<WrittenStatistics, 'proxy' | 'at'> & { readonly proxy?: ProxyFacts };

/** Files of any other version are left out, which happens only while an upgrade hands over. */
const SCHEMA: Statistics['schema'] = 1;

/** The statistics, or undefined when this is something else: a truncated file, another version. */
export function toStatistics(value: unknown): Statistics | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { schema, process } = value as Partial<Statistics>;
  // Our own process wrote it, atomically, with the version it states: the version stands for the rest.
  return schema === SCHEMA && typeof process === 'object' ? (value as Statistics) : undefined;
}
