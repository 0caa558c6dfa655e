import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and its private key (PKCS#8), both PEM. The key belongs into files of mode 0600 only. */
export type CertifiedKey = { readonly certificatePem: string; readonly privateKeyPem: string };

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 3_600_000;
const CA_DAYS = 3650;
/** Browsers refuse server certificates that are valid for longer than 398 days. */
const LEAF_DAYS = 397;
/** Clocks differ: a certificate made now is already valid on a machine that is an hour behind. */
const SKEW_MS = 3_600_000;

/** A certificate authority for this machine alone. People import its certificate, so its key must stay here. */
export async function makeAuthority(commonName: string): Promise<CertifiedKey> {
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    keys,
    signingAlgorithm: ALGORITHM,
    serialNumber: serialNumber(),
    ...validFor(CA_DAYS),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return toPem(certificate, keys.privateKey);
}

/** A server certificate for these DNS names and IP addresses, signed by the authority. */
export async function makeServerCertificate(authority: CertifiedKey, names: readonly string[]): Promise<CertifiedKey> {
  const issuer = new X509Certificate(authority.certificatePem);
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${names[0] ?? 'localhost'}`,
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.privateKeyPem),
    signingAlgorithm: ALGORITHM,
    serialNumber: serialNumber(),
    ...validFor(LEAF_DAYS),
    extensions: serverExtensions(names),
  });
  return toPem(certificate, keys.privateKey);
}

function serverExtensions(names: readonly string[]): Extension[] {
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(
      names.map((name) => ({ type: isIP(name) === 0 ? ('dns' as const) : ('ip' as const), value: name })),
    ),
  ];
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function importKey(pem: string): Promise<CryptoKey> {
  const [pkcs8] = PemConverter.decode(pem);
  return crypto.subtle.importKey('pkcs8', pkcs8 ?? new ArrayBuffer(0), ALGORITHM, false, ['sign']);
}

async function toPem(certificate: X509Certificate, privateKey: CryptoKey): Promise<CertifiedKey> {
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', privateKey);
  return {
    certificatePem: `${certificate.toString('pem')}\n`,
    privateKeyPem: `${PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
  };
}

function validFor(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - SKEW_MS), notAfter: new Date(now + days * DAY_MS) };
}

/** Positive and 16 bytes long, as RFC 5280 §4.1.2.2 allows at most 20. */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}
