import { X509Certificate } from 'node:crypto';
import { PEM_CERTIFICATE } from './certificate.ts';

/** The certificates that clients' certificates are checked against: how long all of them last, or why they cannot be used. */
export type ClientCa = { readonly notAfter: number } | { readonly fault: string };

/** Reads a bundle of CA certificates (PEM); undefined for an empty text, which some issuers write. Never quotes it. */
export function readClientCa(pem: string): ClientCa | undefined {
  if (pem.trim() === '') return undefined;
  const blocks = pem.match(PEM_CERTIFICATE) ?? [];
  if (blocks.length === 0)
    return { fault: 'there is no PEM certificate in it: one begins with "-----BEGIN CERTIFICATE-----"' };
  let notAfter = Number.POSITIVE_INFINITY;
  for (const [index, block] of blocks.entries()) {
    try {
      notAfter = Math.min(notAfter, Date.parse(new X509Certificate(block).validTo));
    } catch {
      return { fault: `certificate number ${index + 1} of it is not a PEM-encoded X.509 certificate` };
    }
  }
  return { notAfter };
}
