/** Types that the folders of the request road share. No behaviour, so that the folders need not know each other. */

/** What the engine needs of the static settings; durations in milliseconds. */
export type ProxySettings = {
  /** Istio's `numTrustedProxies`: above 0 the peer is a proxy whose forwarded headers are believed. */
  readonly trustedProxies: number;
  readonly pathNormalization: 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES';
  readonly via: boolean;
  readonly destinations: DestinationRules;
  readonly limits: ProxyLimits;
  readonly timeouts: ProxyTimeouts;
};

/** Where requests may never be sent, whatever the configuration objects say. */
export type DestinationRules = {
  readonly allowLoopback: boolean;
  /** This appliance's own admin, health and metrics ports, refused on every address of this node. */
  readonly ownPorts: readonly number[];
};

/** See `Limits` of the settings. */
export type ProxyLimits = {
  readonly headerBytes: number;
  readonly targetBytes: number;
  readonly headerCount: number;
  readonly connectionsPerClient: number;
  readonly connections: number;
  readonly requestsPerConnection: number;
  readonly idleUpstreamPerEndpoint: number;
  readonly pendingPerCluster: number;
};

/** See `Timeouts` of the settings. */
export type ProxyTimeouts = {
  readonly headerMs: number;
  readonly bodyIdleMs: number;
  readonly keepAliveMs: number;
  readonly responseMs: number;
  readonly streamIdleMs: number;
  readonly upstreamIdleMs: number;
  readonly drainIdleMs: number;
  readonly drainMs: number;
};

/** How a connection came in. */
export type Arrival = {
  /** Key of the listener in the snapshot. */
  readonly listener: string;
  readonly nodePort: number;
  /** The client's end, as the kernel writes it; taken once, when the connection is admitted. */
  readonly peer: { readonly address: string; readonly port: number };
  /** Present when TLS was terminated. */
  readonly tls?: { readonly serverName: string };
};

/** A failure at run time, with the three facets by which it is answered. */
export type Fault = {
  readonly what:
    | 'connect-failed'
    | 'connect-timeout'
    | 'destination-refused'
    | 'reset'
    | 'protocol-error'
    | 'response-timeout'
    | 'stream-idle'
    | 'exception';
  readonly whose: 'downstream' | 'upstream' | 'internal';
  /**
   * `yes`: nothing of the request was sent. `if-reused`: the connection had served before and may simply have been stale.
   * `if-ending`: it was a fresh one, which means the same only of a server that has just broken a stale one.
   */
  readonly retry: 'never' | 'if-reused' | 'if-ending' | 'yes';
  /** For the access log; never holds bytes of a message. */
  readonly detail: string;
};
