/** How an endpoint of a cluster is picked. `LEAST_REQUEST` is Istio's default. */
export type BalancerPolicy = 'LEAST_REQUEST' | 'ROUND_ROBIN' | 'RANDOM';

/** One place a request can be sent to: an IP address (or, for DNS ServiceEntries, a host name) and port. */
export type Endpoint = {
  /** IPv4, IPv6 without brackets, or a DNS name when the cluster's `resolution` is `DNS`. */
  readonly address: string;
  readonly port: number;
  /** Relative weight, at least 1 (WorkloadEntry `weight`). */
  readonly weight: number;
  /** How far it is from this gateway, from 0 (absent: the nearest) on: it is taken only for want of nearer ones. */
  readonly priority?: number;
  /** Where it is (`region/zone/subzone`); only where traffic is shared out among localities. */
  readonly locality?: string;
};

/** The endpoints behind one destination (host, port, subset), with the policy that applies to them. */
export type Cluster = {
  /** Envoy's name in Istio: `outbound|80|v1|myapp.default.svc.cluster.local`. */
  readonly key: string;
  /** Fully qualified service host. */
  readonly host: string;
  readonly port: number;
  /** Absent when the destination names no subset. */
  readonly subset?: string;
  /** Namespace of the service; `destination_service_namespace` of the metrics. */
  readonly namespace: string;
  /** Short service name; `destination_service_name` of the metrics. */
  readonly serviceName: string;
  readonly resolution: 'STATIC' | 'DNS';
  readonly balancer: BalancerPolicy;
  readonly connectTimeoutMs: number;
  /** Ready endpoints, sorted by address then port. Empty means 503 UH. */
  readonly endpoints: readonly Endpoint[];
  /** What each locality gets (weights); endpoints of others get nothing. Absent: endpoints go by priority. */
  readonly shares?: Readonly<Record<string, number>>;
};
