/** A server certificate with its private key. Holds a secret: it is only ever written to files of mode 0600. */
export type Certificate = {
  /** `namespace/secret-name`, or `file:/path/to/cert.pem` for `serverCertificate`/`privateKey`. */
  readonly key: string;
  /** Leaf first, PEM. */
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** Lower-case hex SHA-256 of the leaf (DER), for people and the admin API. */
  readonly fingerprint: string;
  /** Names in the leaf: DNS and IP, lower case. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
};
