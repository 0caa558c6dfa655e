import type { Labels } from '../resource.ts';

export type GatewaySpec = {
  /** Labels that the appliance must carry; absent selects every gateway. */
  readonly selector?: Labels;
  /** Servers that can be served, in the order written. */
  readonly servers: readonly GatewayServer[];
  /** Servers that are not served yet (each raised an error Problem): they serve nothing, but their hosts are known. */
  readonly unserved: readonly {
    readonly index: number;
    readonly hosts: readonly GatewayHost[];
    /** Of one that asks clients for certificates. */
    readonly clientCa?: ClientCaSource;
  }[];
};

/** One port with the hosts it serves. */
export type GatewayServer = {
  /** Index in `spec.servers`. */
  readonly index: number;
  readonly port: GatewayPort;
  readonly name?: string;
  readonly hosts: readonly GatewayHost[];
  /** Every plain request of these hosts is redirected to HTTPS; set only for protocol HTTP. */
  readonly httpsRedirect: boolean;
  /** Present exactly when `port.protocol` is HTTPS. */
  readonly tls?: GatewayTls;
};

/** HTTP2, GRPC and GRPC-WEB are read as HTTP; TLS with mode SIMPLE as HTTPS. */
type GatewayPort = { readonly number: number; readonly name: string; readonly protocol: 'HTTP' | 'HTTPS' };

/** `[namespace/]host`: which VirtualServices (by namespace) may bind which names. */
export type GatewayHost = {
  /** `*` for any namespace, else a name (`.` is already resolved to the Gateway's own). */
  readonly namespace: string;
  /** Lower case: exact, `*.suffix` or `*`. */
  readonly host: string;
};

/** TLS termination with a server certificate (mode SIMPLE). */
export type GatewayTls = {
  readonly certificate: CertificateSource;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL names; absent means the gateway's own default list. */
  readonly cipherSuites?: readonly string[];
};

/** Where the CA of clients' certificates lies: a Secret or ConfigMap of this name, or beside the server's own certificate. */
export type ClientCaSource = { readonly field: 'caCertCredentialName' | 'credentialName'; readonly name: string };

export type CertificateSource =
  | { readonly kind: 'secret'; readonly name: string }
  | { readonly kind: 'file'; readonly certificate: string; readonly privateKey: string };
