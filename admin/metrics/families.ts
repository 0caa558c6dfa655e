import type { Metric, Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;
export type Sample = { readonly labels?: Labels; readonly value: number };

/** One metric with all its samples, as it stands at one scrape. */
export type Family = {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly FamilySample[];
};

/** What prom-client's registry prints as one line. */
type FamilySample = { readonly value: number; readonly labels: Labels };

export function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: 'counter', samples: samples.map(toFamilySample) };
}

export function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: 'gauge', samples: samples.map(toFamilySample) };
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
