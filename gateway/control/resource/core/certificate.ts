import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { TlsMaterial } from './secret.ts';
import { SecretText } from './secret-text.ts';

/** Which of the two texts is at fault, and why; never quotes either. */
export type CertificateFault = { readonly part: 'certificate' | 'key'; readonly message: string };

/** Each certificate of a text. */
export const PEM_CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** Reads a certificate chain (leaf first) and its key, and checks that they belong together. */
export function readCertificate(certificatePem: string, keyPem: string): TlsMaterial | CertificateFault {
  const leaf = parseChain(certificatePem);
  if (!(leaf instanceof X509Certificate)) return leaf;
  const key = parseKey(keyPem);
  if ('part' in key) return key;
  if (!leaf.checkPrivateKey(key))
    return {
      part: 'key',
      message:
        'The private key does not belong to the certificate: use the key that the certificate was made with. The leaf certificate must come first.',
    };
  return {
    certificatePem,
    privateKey: new SecretText(keyPem),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    names: namesOf(leaf),
    notBefore: Date.parse(leaf.validFrom),
    notAfter: Date.parse(leaf.validTo),
  };
}

function parseChain(pem: string): X509Certificate | CertificateFault {
  const blocks = pem.match(PEM_CERTIFICATE) ?? [];
  let leaf: X509Certificate | undefined;
  for (const [index, block] of blocks.entries()) {
    try {
      const certificate = new X509Certificate(block);
      leaf ??= certificate;
    } catch {
      return {
        part: 'certificate',
        message: `Certificate number ${index + 1} of the chain cannot be read: it is not a PEM-encoded X.509 certificate.`,
      };
    }
  }
  return (
    leaf ?? {
      part: 'certificate',
      message: 'There is no PEM certificate here: it begins with "-----BEGIN CERTIFICATE-----".',
    }
  );
}

function parseKey(pem: string): KeyObject | CertificateFault {
  if (!pem.includes('-----BEGIN'))
    return {
      part: 'key',
      message: 'There is no PEM private key here: it begins with "-----BEGIN PRIVATE KEY-----" or alike.',
    };
  if (/-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(pem))
    return { part: 'key', message: 'The private key is encrypted: store it without a passphrase, as Kubernetes does.' };
  try {
    return createPrivateKey(pem);
  } catch {
    return {
      part: 'key',
      message: 'The private key cannot be read: it is not a PEM-encoded key of a kind that OpenSSL knows.',
    };
  }
}

/** Names that clients may ask for: subjectAltName, or else the common name of old certificates. */
function namesOf(leaf: X509Certificate): readonly string[] {
  const alternative = leaf.subjectAltName;
  if (alternative === undefined)
    return [...leaf.subject.matchAll(/^CN=(.+)$/gm)].map((match) => (match[1] ?? '').toLowerCase());
  return [...alternative.matchAll(/(?:^|, )(?:DNS|IP Address):([^,"]+)/g)].map((match) =>
    (match[1] ?? '').trim().toLowerCase(),
  );
}
