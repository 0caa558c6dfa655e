import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Certificate } from '../../snapshot/certificate.ts';

/** What the leaf of a certificate says, or why the pair cannot be used. */
export type KeyPair =
  | { readonly leaf: Pick<Certificate, 'fingerprint' | 'names' | 'notBefore' | 'notAfter'> }
  | { readonly reason: string };

/** Reads a PEM certificate (leaf first) and its private key, and checks that they belong together. */
export function readKeyPair(certificatePem: string, privateKeyPem: string): KeyPair {
  const certificate = parsed(() => new X509Certificate(certificatePem));
  if (certificate === undefined) return { reason: 'the certificate is not PEM' };
  const key = parsed(() => createPrivateKey(privateKeyPem));
  if (key === undefined) return { reason: 'the private key is not PEM, or is encrypted' };
  if (!certificate.checkPrivateKey(key)) return { reason: 'the private key does not belong to the certificate' };
  return {
    leaf: {
      fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      names: namesOf(certificate),
      notBefore: certificate.validFromDate.getTime(),
      notAfter: certificate.validToDate.getTime(),
    },
  };
}

function parsed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function namesOf(certificate: X509Certificate): string[] {
  const entries = certificate.subjectAltName?.split(', ') ?? [];
  return entries.flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1]?.toLowerCase() ?? []);
}
