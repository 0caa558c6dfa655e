import type { Certificate } from '../../../snapshot/certificate.ts';
import type { ClientCa } from './client-ca.ts';
import type { SecretText } from './secret-text.ts';

export type SecretSpec = {
  /** `kubernetes.io/tls`, `Opaque`, ... */
  readonly type: string;
  /** A certificate whose key matches; absent when the Secret holds none. */
  readonly tls?: TlsMaterial;
  /** Under `ca.crt` (or Istio's older `cacert`). */
  readonly ca?: ClientCa;
};

/** A server certificate: everything of the snapshot's unit except its key in the snapshot. */
export type TlsMaterial = Omit<Certificate, 'key' | 'privateKeyPem'> & { readonly privateKey: SecretText };
