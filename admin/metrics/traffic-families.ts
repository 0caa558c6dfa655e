import { counter, type Family, gauge } from './families.ts';
import type { Statistics } from './input.ts';
import type { TrafficTotals } from './totals.ts';

/** Help texts of the counters beside the request series; one without a text here is shown by its name. */
const counterHelp: Readonly<Record<string, string>> = {
  downstream_connections: 'Connections taken over from the listeners.',
  downstream_tls_connections: 'Connections that came through TLS.',
  downstream_connections_refused: 'Connections refused because the client address or the worker had its limit.',
  downstream_protocol_errors: 'Requests whose bytes were not acceptable HTTP/1.1.',
  downstream_timeouts: 'Downstream connections closed by a deadline.',
  upstream_connections: 'Connections opened to endpoints.',
  upstream_connect_failures: 'Connections to endpoints that failed to open.',
  upstream_retries: 'Requests sent again on another connection.',
  upstream_protocol_errors: 'Responses whose bytes were not acceptable HTTP/1.1.',
  destinations_refused: 'Requests refused because their destination is not allowed: own ports, link-local, loopback.',
  exchange_exceptions: 'Exceptions in the gateway itself, each of which ended one exchange.',
  access_log_lines_dropped: 'Access log lines lost because the log could not be written fast enough.',
};

const gaugeHelp: Readonly<Record<string, string>> = {
  downstream_connections_active: 'Open connections from clients.',
  downstream_requests_active: 'Requests in flight.',
  upstream_connections_active: 'Connections to endpoints in use.',
  upstream_connections_idle: 'Connections to endpoints kept for the next request.',
  snapshot_version: 'Snapshot version that the worker serves.',
};

/** The gateway's own counters, summed over the workers. */
export function trafficFamilies({ counters }: TrafficTotals): Family[] {
  return [...counters].map(([name, value]) =>
    counter(`mesh_gateway_${name}_total`, counterHelp[name] ?? inWords(name), [{ value }]),
  );
}

/** What each worker has at this moment. */
export function workerFamilies(statistics: readonly Statistics[]): Family[] {
  const workers = statistics.filter(({ proxy }) => proxy !== undefined);
  const names = new Set(workers.flatMap(({ proxy }) => Object.keys(proxy?.gauges ?? {})));
  return [...names].map((name) =>
    gauge(
      `mesh_gateway_${name}`,
      gaugeHelp[name] ?? inWords(name),
      workers.map(({ index = 0, proxy }) => ({ labels: { worker: String(index) }, value: proxy?.gauges[name] ?? 0 })),
    ),
  );
}

function inWords(name: string): string {
  return `${name.replaceAll('_', ' ')}.`;
}
