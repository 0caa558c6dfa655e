import 'reflect-metadata';
import {
  createHash,
  createPrivateKey,
  type KeyObject,
  X509Certificate as NodeCertificate,
  webcrypto,
} from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import type { Certificate } from '#gateway/snapshot/certificate.ts';

/** What a test asks of a certificate; the defaults make a good one. */
export type IssueOptions = {
  /** DNS names and IP addresses; the first one is the subject. */
  readonly names: readonly string[];
  /** Key in the snapshot; default `default/<first name>`. */
  readonly key?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly algorithm?: 'ecdsa' | 'rsa';
  /** Groups, where a cluster reads them: the O of a client certificate. */
  readonly organizations?: readonly string[];
  readonly usage?: 'server' | 'client';
};

/** A certificate authority of a test's own; `certificatePem` is what clients trust. */
export type TestCa = {
  readonly certificatePem: string;
  issue(options: IssueOptions): Promise<Certificate>;
};

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
} as const;

x509.cryptoProvider.set(webcrypto);

const SERVER_USAGE = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]);
const CLIENT_USAGE = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]);

/** Makes a CA with a fresh ECDSA key, valid for a day around now. */
export async function makeCa(name = 'mesh-gateway test CA'): Promise<TestCa> {
  const keys = await webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify']);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    notBefore: daysFromNow(-1),
    notAfter: daysFromNow(1),
    signingAlgorithm: ECDSA,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  let serial = 1;
  return {
    certificatePem: `${ca.toString('pem')}\n`,
    issue: (options) => issue(ca, keys.privateKey, ++serial, options),
  };
}

async function issue(
  ca: x509.X509Certificate,
  signingKey: CryptoKey,
  serial: number,
  {
    names,
    key = `default/${names[0]}`,
    notBefore = daysFromNow(-1),
    notAfter = daysFromNow(1),
    algorithm = 'ecdsa',
    organizations = [],
    usage = 'server',
  }: IssueOptions,
): Promise<Certificate> {
  const keyAlgorithm = algorithm === 'rsa' ? RSA : ECDSA;
  const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: serial.toString(16).padStart(4, '0'),
    subject: [...organizations.map((value) => ({ O: [value] })), { CN: [names[0] ?? ''] }],
    issuer: ca.subject,
    notBefore,
    notAfter,
    signingAlgorithm: ECDSA,
    publicKey: keys.publicKey,
    signingKey,
    extensions: usage === 'client' ? [CLIENT_USAGE] : [alternativeNames(names), SERVER_USAGE],
  });
  const certificatePem = `${leaf.toString('pem')}\n`;
  return {
    key,
    certificatePem,
    privateKeyPem: await privateKeyPem(keys.privateKey),
    fingerprint: createHash('sha256').update(new NodeCertificate(certificatePem).raw).digest('hex'),
    names: names.map((name) => name.toLowerCase()),
    notBefore: notBefore.getTime(),
    notAfter: notAfter.getTime(),
  };
}

function alternativeNames(names: readonly string[]): x509.Extension {
  return new x509.SubjectAlternativeNameExtension(
    names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
  );
}

async function privateKeyPem(key: CryptoKey): Promise<string> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const object: KeyObject = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  return object.export({ type: 'pkcs8', format: 'pem' });
}

function daysFromNow(days: number): Date {
  return new Date(Math.floor(Date.now() / 1000) * 1000 + days * 86_400_000);
}
