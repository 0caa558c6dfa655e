import type { Metric, Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;
export type Sample = { readonly labels?: Labels; readonly value: number };

/** One metric with all its samples, as it stands at one scrape. */
export type Family = {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly FamilySample[];
};

/** What prom-client's registry prints as one line; `sharedLabels` are formatted once for all lines of a histogram. */
type FamilySample = {
  readonly value: number;
  readonly labels: Labels;
  readonly sharedLabels?: Labels;
  readonly metricName?: string;
};

export type HistogramSample = {
  readonly labels: Labels;
  readonly bounds: readonly number[];
  /** Not cumulative; one more than there are bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
};

export function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: 'counter', samples: samples.map(toFamilySample) };
}

export function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: 'gauge', samples: samples.map(toFamilySample) };
}

/** Buckets become cumulative, as Prometheus wants them. */
export function histogram(name: string, help: string, samples: readonly HistogramSample[]): Family {
  return { name, help, type: 'histogram', samples: samples.flatMap((sample) => histogramLines(name, sample)) };
}

/** Hangs families on a registry, which renders them. */
export function register(registry: Registry, families: readonly Family[]): void {
  for (const { name, help, type, samples } of families) {
    const collector = { name, help, type, get: async () => ({ name, help, type, values: samples, aggregator: 'sum' }) };
    // The registry only reads `name` and calls `get`: its type asks for the whole class, with `inc`, `set` and `reset`.
    registry.registerMetric(collector as unknown as Metric);
  }
}

function toFamilySample({ labels = {}, value }: Sample): FamilySample {
  return { labels, value };
}

function histogramLines(name: string, { labels, bounds, counts, sum }: HistogramSample): FamilySample[] {
  let cumulative = 0;
  const lines = counts.map((count, i): FamilySample => {
    cumulative += count;
    const le = bounds[i] === undefined ? '+Inf' : String(bounds[i]);
    return { metricName: `${name}_bucket`, labels: { le }, sharedLabels: labels, value: cumulative };
  });
  lines.push({ metricName: `${name}_sum`, labels: {}, sharedLabels: labels, value: sum });
  lines.push({ metricName: `${name}_count`, labels: {}, sharedLabels: labels, value: cumulative });
  return lines;
}
