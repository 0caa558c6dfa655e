import { MergedHistogram } from './histogram.ts';
import type { HistogramData, ProxyFacts, RequestSeries, Statistics } from './input.ts';

/** One label tuple, summed over workers. */
export type MergedSeries = {
  /** Common labels included. */
  readonly labels: Readonly<Record<string, string>>;
  requests: number;
  readonly durationMs: MergedHistogram;
  readonly requestBytes: MergedHistogram;
  readonly responseBytes: MergedHistogram;
};

/** The traffic of several workers, added up. */
export class TrafficTotals {
  readonly series = new Map<string, MergedSeries>();
  readonly counters = new Map<string, number>();

  add(proxy: ProxyFacts): void {
    for (const [name, value] of Object.entries(proxy.counters)) {
      this.counters.set(name, (this.counters.get(name) ?? 0) + value);
    }
    for (const one of proxy.requests) {
      const into = this.#seriesOf(one, proxy);
      into.requests += one.requests;
      into.durationMs.add(one.durationMs, proxy.durationBoundsMs);
      into.requestBytes.add(one.requestBytes, proxy.sizeBoundsBytes);
      into.responseBytes.add(one.responseBytes, proxy.sizeBoundsBytes);
    }
  }

  /** The totals as one more worker's traffic, for keeping. */
  toProxyFacts(): ProxyFacts {
    const [first] = this.series.values();
    const durationBoundsMs = first?.durationMs.bounds ?? [];
    const sizeBoundsBytes = first?.requestBytes.bounds ?? [];
    return {
      commonLabels: {},
      durationBoundsMs,
      sizeBoundsBytes,
      requests: [...this.series.values()].map(
        (one): RequestSeries => ({
          labels: one.labels,
          requests: one.requests,
          durationMs: inBounds(one.durationMs, durationBoundsMs),
          requestBytes: inBounds(one.requestBytes, sizeBoundsBytes),
          responseBytes: inBounds(one.responseBytes, sizeBoundsBytes),
        }),
      ),
      counters: Object.fromEntries(this.counters),
      gauges: {},
    };
  }

  #seriesOf(one: RequestSeries, proxy: ProxyFacts): MergedSeries {
    const labels = { ...proxy.commonLabels, ...one.labels };
    const key = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
    let merged = this.series.get(key);
    if (merged === undefined) {
      merged = {
        labels,
        requests: 0,
        durationMs: new MergedHistogram(proxy.durationBoundsMs),
        requestBytes: new MergedHistogram(proxy.sizeBoundsBytes),
        responseBytes: new MergedHistogram(proxy.sizeBoundsBytes),
      };
      this.series.set(key, merged);
    }
    return merged;
  }
}

function inBounds(histogram: MergedHistogram, bounds: readonly number[]): HistogramData {
  const copy = new MergedHistogram(bounds);
  copy.add(histogram, histogram.bounds);
  return { sum: copy.sum, counts: copy.counts };
}

/** Names one life of one process: a replaced worker has the same index and another pid. */
export function processKey({ role, process }: Statistics): string {
  return `${role}/${process.pid}/${process.startTimeSeconds}`;
}
