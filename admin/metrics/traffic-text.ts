/**
 * Istio's standard metrics as Prometheus text (exposition format 0.0.4), series by series. prom-client prints all others: it
 * wants every line as an object first, and these are sixty lines for each destination, of which there may be ten thousands.
 */
import type { Labels } from './families.ts';
import type { MergedHistogram } from './histogram.ts';
import type { MergedSeries, TrafficTotals } from './totals.ts';

/** The text of the four families, in pieces of one series. */
export function* trafficText(totals: TrafficTotals): Generator<string> {
  const series = [...totals.series].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, merged]) => merged);
  yield head('istio_requests_total', 'counter', 'Requests handled.');
  for (const { labels, requests } of series) yield `istio_requests_total{${labelText(labels)}} ${requests}\n`;
  for (const { name, help, of } of HISTOGRAMS) {
    yield head(name, 'histogram', help);
    for (const one of series) yield histogramText(name, labelText(one.labels), of(one));
  }
}

type Histogram = {
  readonly name: string;
  readonly help: string;
  readonly of: (series: MergedSeries) => MergedHistogram;
};

const HISTOGRAMS: readonly Histogram[] = [
  {
    name: 'istio_request_duration_milliseconds',
    help: 'Time from the first byte of a request to the last of its response.',
    of: ({ durationMs }) => durationMs,
  },
  { name: 'istio_request_bytes', help: 'Body bytes of requests.', of: ({ requestBytes }) => requestBytes },
  { name: 'istio_response_bytes', help: 'Body bytes of responses.', of: ({ responseBytes }) => responseBytes },
];

function head(name: string, type: 'counter' | 'histogram', help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

/** Buckets become cumulative, as Prometheus wants them. */
function histogramText(name: string, labels: string, { bounds, counts, sum }: MergedHistogram): string {
  let text = '';
  let cumulative = 0;
  for (const [index, count] of counts.entries()) {
    cumulative += count;
    text += `${name}_bucket{le="${bounds[index] ?? '+Inf'}",${labels}} ${cumulative}\n`;
  }
  return `${text}${name}_sum{${labels}} ${sum}\n${name}_count{${labels}} ${cumulative}\n`;
}

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',');
}

function escaped(value: string): string {
  return /[\\"\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;
}
