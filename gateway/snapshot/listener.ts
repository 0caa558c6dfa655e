/**
 * One TCP listener of the appliance: every Gateway server that maps to the same node ports, merged.
 * `key` is `http.31380` or `https.31390`: application protocol and first node port.
 */
export type Listener = {
  readonly key: string;
  /** The Gateway server port (80, 443); `match.port` of a VirtualService compares with it. */
  readonly gatewayPort: number;
  /** TCP ports on this node, dual stack. */
  readonly nodePorts: readonly number[];
  readonly protocol: 'HTTP' | 'HTTPS';
  /** TLS servers, sorted by `key`; empty for HTTP. An HTTPS listener without servers refuses every handshake. */
  readonly tls: readonly TlsServer[];
  /** Body line of a 404 when the listener has no virtual host at all (names the folder to put objects in). */
  readonly emptyHint?: string;
};

/** How TLS is terminated for the server names of one Gateway server (`spec.servers[].tls`, mode SIMPLE). */
export type TlsServer = {
  /** `namespace/gateway/port-name`: stable across unrelated changes. */
  readonly key: string;
  /** SNI patterns, lower case: exact, `*.suffix` or `*`. */
  readonly hosts: readonly string[];
  /** Key into `Snapshot.certificates`. */
  readonly certificate: string;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL names; absent means the gateway's own default list. */
  readonly cipherSuites?: readonly string[];
};
