import type { Certificate } from '../../snapshot/certificate.ts';
import type { CatalogReader } from '../resource/catalog/catalog.ts';
import { readCertificate } from '../resource/core/certificate.ts';
import type { TlsMaterial } from '../resource/core/secret.ts';
import type { CertificateSource } from '../resource/istio/gateway.ts';
import type { GatewayResource, Resource } from '../resource/resource.ts';

/** A certificate, or why there is none (a sentence without secrets). */
export type CertificateOutcome = { readonly certificate: Certificate } | { readonly reason: string };

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
  const what = found.length === 0 ? `there is no Secret ${places}` : `the Secret ${places} holds no usable certificate`;
  return { reason: `${what} (it needs tls.crt and tls.key that belong together)` };
}

function fromFiles(source: CertificateSource & { kind: 'file' }, catalog: CatalogReader): CertificateOutcome {
  const certificatePem = catalog.file(source.certificate);
  const privateKeyPem = catalog.file(source.privateKey);
  if (certificatePem === undefined) return { reason: `the file ${source.certificate} cannot be read` };
  if (privateKeyPem === undefined) return { reason: `the file ${source.privateKey} cannot be read` };
  const read = readCertificate(certificatePem, privateKeyPem);
  if ('message' in read) {
    const file = read.part === 'certificate' ? source.certificate : source.privateKey;
    return { reason: `${file}: ${read.message}` };
  }
  return { certificate: toCertificate(`file:${source.certificate}`, read) };
}

function toCertificate(key: string, { privateKey, ...leaf }: TlsMaterial): Certificate {
  return { key, ...leaf, privateKeyPem: privateKey.reveal() };
}
