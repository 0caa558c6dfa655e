import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { parse } from 'yaml';

/** A certificate is replaced when less than this is left of it. */
const SPARE_MS = 7 * 24 * 3_600_000;

/** The name of the Secret, and the `credentialName` of the demo's Gateway. */
export const CREDENTIAL_NAME = 'demo-certificate';

/**
 * Sees to `ca.crt`, `ca.key` and the Secret's manifest. What is there is kept as long as it is valid, signed by
 * our authority and has exactly these names: a browser that trusts the authority goes on trusting it.
 */
export async function prepareTls(options: {
  readonly folder: string;
  readonly secretFile: string;
  readonly names: readonly string[];
}): Promise<{ readonly caFile: string }> {
  const caFile = join(options.folder, 'ca.crt');
  const keyFile = join(options.folder, 'ca.key');
  const now = Date.now();
  const kept = await readPair(caFile, keyFile);
  const keepsAuthority = kept !== undefined && isValid(kept.certificatePem, now);
  if (keepsAuthority && (await serves(options.secretFile, kept.certificatePem, options.names, now))) return { caFile };

  // Loaded only when something has to be made: it is the largest part of the demo.
  const { makeAuthority, makeServerCertificate } = await import('./certificate.ts');
  const authority = keepsAuthority ? kept : await makeAuthority('mesh-gateway demo');
  if (!keepsAuthority) {
    await writeFile(keyFile, authority.privateKeyPem, { mode: 0o600 });
    await writeFile(caFile, authority.certificatePem);
  }
  const leaf = await makeServerCertificate(authority, options.names);
  await writeFile(options.secretFile, secretManifest(leaf), { mode: 0o600 });
  return { caFile };
}

function secretManifest(leaf: { readonly certificatePem: string; readonly privateKeyPem: string }): string {
  return `# Made by \`npm start\`, for the addresses of this node; made anew when they change or it is about to expire.
apiVersion: v1
kind: Secret
metadata:
  name: ${CREDENTIAL_NAME}
type: kubernetes.io/tls
data:
  tls.crt: ${Buffer.from(leaf.certificatePem).toString('base64')}
  tls.key: ${Buffer.from(leaf.privateKeyPem).toString('base64')}
`;
}

async function readPair(certificateFile: string, keyFile: string) {
  try {
    const [certificatePem, privateKeyPem] = await Promise.all([
      readFile(certificateFile, 'utf8'),
      readFile(keyFile, 'utf8'),
    ]);
    return { certificatePem, privateKeyPem };
  } catch {
    return undefined;
  }
}

function isValid(pem: string, now: number): boolean {
  try {
    return new X509Certificate(pem).validToDate.getTime() > now + SPARE_MS;
  } catch {
    return false;
  }
}

/** Whether the Secret's manifest holds a certificate of this authority with these names and time left. */
async function serves(secretFile: string, caPem: string, names: readonly string[], now: number): Promise<boolean> {
  try {
    const secret = parse(await readFile(secretFile, 'utf8')) as { data?: { 'tls.crt'?: string } };
    const pem = Buffer.from(secret.data?.['tls.crt'] ?? '', 'base64').toString();
    const leaf = new X509Certificate(pem);
    const isOurs = leaf.verify(new X509Certificate(caPem).publicKey);
    return isOurs && isValid(pem, now) && hasExactly(leaf, names);
  } catch {
    return false;
  }
}

function hasExactly(leaf: X509Certificate, names: readonly string[]): boolean {
  const count = leaf.subjectAltName?.split(', ').length ?? 0;
  return count === names.length && names.every((name) => (isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name)));
}
