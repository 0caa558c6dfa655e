import type { Certificate } from '../../snapshot/certificate.ts';
import type { CatalogReader } from '../resource/catalog/catalog.ts';
import { readCertificate } from '../resource/core/certificate.ts';
import type { TlsMaterial } from '../resource/core/secret.ts';
import type { CertificateSource } from '../resource/istio/gateway.ts';
import type { GatewayResource, Resource } from '../resource/resource.ts';

/** A certificate, or why there is none (a sentence without secrets): nothing of that name, or nothing usable. */
export type CertificateOutcome =
  | { readonly certificate: Certificate }
  | { readonly reason: string; readonly code: 'IST0101' | 'IST0161' };

/** Paths of all files that Gateways take certificates from: the caller reads them, since build does no I/O. */
export function certificateFiles(resources: Iterable<Resource>): string[] {
  const paths = new Set<string>();
  for (const resource of resources) {
    if (resource.kind !== 'Gateway') continue;
    for (const { tls } of resource.spec.servers) {
      if (tls?.certificate.kind === 'file') paths.add(tls.certificate.certificate).add(tls.certificate.privateKey);
    }
  }
  return [...paths].sort();
}

/** The certificate of one server: from a Secret of the gateway's own namespace, or beside its Gateway, or from files. */
export function findCertificate(
  source: CertificateSource,
  gateway: GatewayResource,
  gatewayNamespace: string,
  catalog: CatalogReader,
): CertificateOutcome {
  if (source.kind === 'file') return fromFiles(source, catalog);
  return fromSecret(source.name, [...new Set([gatewayNamespace, gateway.namespace])], catalog);
}

/** A Secret that is there but unusable does not hide a good one of the next namespace. */
function fromSecret(name: string, namespaces: readonly string[], catalog: CatalogReader): CertificateOutcome {
  const found = namespaces.flatMap((namespace) => catalog.secret(namespace, name) ?? []);
  for (const { namespace, spec } of found) {
    if (spec.tls === undefined) continue;
    return { certificate: toCertificate(`${namespace}/${name}`, spec.tls) };
  }
  const places = namespaces.map((namespace) => `${namespace}/${name}`).join(' or ');
  const what =
    found.length === 0
      ? `there is no Secret ${places} that can be used`
      : `the Secret ${places} holds no usable certificate`;
  const code = found.length === 0 ? 'IST0101' : 'IST0161';
  return { reason: `${what} (it needs tls.crt and tls.key that belong together)`, code };
}

function fromFiles(source: CertificateSource & { kind: 'file' }, catalog: CatalogReader): CertificateOutcome {
  const certificatePem = catalog.file(source.certificate);
  const privateKeyPem = catalog.file(source.privateKey);
  if (certificatePem === undefined) return unusable(`the file ${source.certificate} cannot be read`);
  if (privateKeyPem === undefined) return unusable(`the file ${source.privateKey} cannot be read`);
  const read = readCertificate(certificatePem, privateKeyPem);
  if ('message' in read) {
    const file = read.part === 'certificate' ? source.certificate : source.privateKey;
    return unusable(`${file}: ${read.message}`);
  }
  return { certificate: toCertificate(`file:${source.certificate}`, read) };
}

function unusable(reason: string): CertificateOutcome {
  return { reason, code: 'IST0161' };
}

function toCertificate(key: string, { privateKey, ...leaf }: TlsMaterial): Certificate {
  return { key, ...leaf, privateKeyPem: privateKey.reveal() };
}
