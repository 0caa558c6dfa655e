/**
 * STATIC settings: how this appliance runs, never what it routes.
 * Durations are milliseconds here and strings with a unit ("5s", "250ms", "1m") in the file.
 */
export type Settings = {
  /** The gateway's own namespace: Secrets of `credentialName` are looked up here. Default `istio-system`. */
  readonly namespace: string;
  /** Labels of this appliance, matched by `Gateway.spec.selector`. Default `{ istio: 'ingressgateway' }`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly source: FolderSourceSettings;
  /** Gateway server port -> node ports. Gateway ports with the same node ports share one listener. */
  readonly ports: readonly PortMapping[];
  /** Address that node ports bind to; `::` is dual stack and falls back to `0.0.0.0` where IPv6 is off. */
  readonly address: string;
  /** Length of the shared accept queue. Default 4096. */
  readonly backlog: number;
  /** Worker processes. Default min(available cores, 4). */
  readonly workers: number;
  /** Number of trusted proxies in front (Istio `gatewayTopology.numTrustedProxies`). Default 0. */
  readonly trustedProxies: number;
  readonly pathNormalization: PathNormalization;
  /** Adds `Via` to requests and responses. Default false. */
  readonly via: boolean;
  readonly destinations: DestinationSettings;
  readonly admin: AdminSettings;
  readonly health: AddressPort;
  readonly metrics: AddressPort;
  /** Kept over restarts: token, accepted objects, last good snapshot. 0700. */
  readonly stateDir: string;
  /** Lost at reboot: snapshot units for the workers, admin socket. 0700. */
  readonly runtimeDir: string;
  readonly accessLog: AccessLogSettings;
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' };
  readonly limits: Limits;
  readonly timeouts: Timeouts;
};

/** Istio's `pathNormalization.normalization`. */
export type PathNormalization = 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES';

export type FolderSourceSettings = { readonly kind: 'folder'; readonly path: string };
export type PortMapping = { readonly gatewayPort: number; readonly nodePorts: readonly number[] };
export type AddressPort = { readonly address: string; readonly port: number };

/** Destinations are refused (503) when they are this appliance's own admin, health or metrics ports or link-local. */
export type DestinationSettings = { readonly allowLoopback: boolean };

/** `tls` is needed for an address that is not loopback: without it the gateway refuses to start. */
export type AdminSettings = AddressPort & {
  readonly socket: string;
  readonly tls?: { readonly certificate: string; readonly privateKey: string };
};

/** `file` is a path, or `-` for stdout. */
export type AccessLogSettings = { readonly format: 'text' | 'json' | 'off'; readonly file: string };

export type Limits = {
  /** Request line and header fields together; more is 431. Default 61440 (60 KiB, as Envoy). */
  readonly headerBytes: number;
  /** Request target; more is 414. Default 16384. */
  readonly targetBytes: number;
  /** Header fields; more is 431. Default 100 (as Envoy). */
  readonly headerCount: number;
  /** Connections from one client address (IPv6: /64) to one worker's share. Default 1024. */
  readonly connectionsPerClient: number;
  /** Connections a worker holds at once; beyond it it stops accepting. Default 16384. */
  readonly connections: number;
  /** Requests on one keep-alive connection before it is closed; 0 is no limit. Default 0. */
  readonly requestsPerConnection: number;
  /** Idle upstream connections kept for one endpoint by one worker. Default 128. */
  readonly idleUpstreamPerEndpoint: number;
  /** Requests waiting or running towards one cluster in one worker; beyond it 503 UO. Default 4096. */
  readonly pendingPerCluster: number;
};

export type Timeouts = {
  /** From accept to the whole ClientHello and handshake. Default 5s. */
  readonly tlsHandshakeMs: number;
  /** From the first byte of a request head to its end; then 408. Default 10s. */
  readonly headerMs: number;
  /** Between two reads of a request body; then 408. Default 60s. */
  readonly bodyIdleMs: number;
  /** Idle keep-alive connection from a client. Default 60s. */
  readonly keepAliveMs: number;
  /** TCP connect to an endpoint; then 503 UF. Default 10s (Istio's connectTimeout). */
  readonly connectMs: number;
  /** From the end of a request to the first byte of its response, when the route sets no `timeout`; 0 is none. Default 0 (Istio). */
  readonly responseMs: number;
  /** Between two reads of a response body or of a tunnel; then reset. Default 1h (Istio's idleTimeout). */
  readonly streamIdleMs: number;
  /** Idle pooled upstream connection, below the backends' own (commonly 5 s in Node, 60 s+ elsewhere). Default 4s. */
  readonly upstreamIdleMs: number;
  /** When draining: idle keep-alive connections may still bring one request for so long. Default 1s. */
  readonly drainIdleMs: number;
  /** When draining: the longest that work in flight may take. Default 25s. */
  readonly drainMs: number;
};
