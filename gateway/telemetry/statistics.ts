/**
 * The statistics one role writes to a file when asked (`collect`): plain JSON, merged over the workers and
 * rendered as Prometheus text by the admin side. Counters only grow while the process lives.
 */

/** Version of the file format; a reader skips any other. */
export const STATISTICS_SCHEMA = 1;

/** The content of one statistics file. */
export type Statistics = {
  readonly schema: typeof STATISTICS_SCHEMA;
  readonly role: 'supervisor' | 'control' | 'worker';
  /** Worker index; absent for the other roles. */
  readonly index?: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly process: ProcessStatistics;
  /** Workers only. */
  readonly proxy?: ProxyStatistics;
};

/** What an operator asks of any process first. */
export type ProcessStatistics = {
  readonly pid: number;
  /** Seconds since the epoch. */
  readonly startTimeSeconds: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly externalBytes: number;
  readonly cpuUserSeconds: number;
  readonly cpuSystemSeconds: number;
  /** Since the last collection. */
  readonly eventLoopDelaySeconds: { readonly mean: number; readonly p99: number; readonly max: number };
  readonly garbageCollections: number;
  readonly garbageCollectionSeconds: number;
};

/** The traffic of one worker. */
export type ProxyStatistics = {
  /** Labels that every request series carries, equal in all workers (`reporter`, `source_*`). */
  readonly commonLabels: Readonly<Record<string, string>>;
  /** Upper bounds (`le`) of the duration histogram in milliseconds; a last bucket (+Inf) follows. */
  readonly durationBoundsMs: readonly number[];
  /** Upper bounds of the two size histograms in bytes; a last bucket (+Inf) follows. */
  readonly sizeBoundsBytes: readonly number[];
  readonly requests: readonly RequestSeries[];
  /** Monotonic counters by name, see {@link CounterName}. */
  readonly counters: Readonly<Record<CounterName, number>>;
  /** Present values by name, see {@link GaugeName}. */
  readonly gauges: Readonly<Record<GaugeName, number>>;
};

/** The same, while the series are still being read: they are many. */
export type ProxyReadings = Omit<ProxyStatistics, 'requests'> & { readonly requests: Iterable<RequestSeries> };

/**
 * One label tuple of the standard metrics: `requests` is `istio_requests_total`; the histograms are
 * `istio_request_duration_milliseconds`, `istio_request_bytes` and `istio_response_bytes`.
 */
export type RequestSeries = {
  /** Label name -> value, in Istio's names; together with `commonLabels` the full tuple. */
  readonly labels: Readonly<Record<string, string>>;
  readonly requests: number;
  readonly durationMs: HistogramData;
  readonly requestBytes: HistogramData;
  readonly responseBytes: HistogramData;
};

/** `counts[i]` are the observations of bucket i alone (not cumulative), one more than there are bounds. */
export type HistogramData = { readonly sum: number; readonly counts: readonly number[] };

/** Counters beside the request series. */
export type CounterName = (typeof counterNames)[number];

/** All counters with what they count, in the order of their cells. */
export const counterNames = [
  /** Connections taken over from the listeners. */
  'downstream_connections',
  /** Of those, the ones that came through TLS. */
  'downstream_tls_connections',
  /** Refused at once because the client address or the worker had its limit. */
  'downstream_connections_refused',
  /** Requests whose bytes were not acceptable HTTP/1.1 (400, 414, 431, 408...). */
  'downstream_protocol_errors',
  /** Closed by a deadline: header, body, keep-alive or stream. */
  'downstream_timeouts',
  'upstream_connections',
  'upstream_connect_failures',
  /** Requests sent again, because the kept-alive connection was gone or another endpoint could be tried. */
  'upstream_retries',
  'upstream_protocol_errors',
  /** Destinations refused by the trust rules (own ports, link-local, loopback). */
  'destinations_refused',
  /** Exceptions in our own code, each of which ended one exchange. */
  'exchange_exceptions',
  /** Access log lines lost because the log could not be written fast enough. */
  'access_log_lines_dropped',
] as const;

/** Gauges beside the request series. */
export type GaugeName = (typeof gaugeNames)[number];

/** All gauges, in the order of their cells. */
export const gaugeNames = [
  'downstream_connections_active',
  'downstream_requests_active',
  'upstream_connections_active',
  'upstream_connections_idle',
  'snapshot_version',
] as const;
