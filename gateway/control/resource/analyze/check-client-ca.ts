import type { Problem } from '../../../snapshot/problem.ts';
import type { ClientCa } from '../core/client-ca.ts';
import type { ClientCaSource } from '../istio/gateway.ts';
import type { GatewayResource } from '../resource.ts';
import { problemAbout } from './finding.ts';
import type { ResourceIndex } from './resource-index.ts';

/**
 * The CA of servers that ask clients for certificates. They are not served yet; that what they name cannot be used is
 * told all the same, so that it is mended before.
 */
export function checkClientCas(gateway: GatewayResource, index: ResourceIndex): Problem[] {
  return gateway.spec.unserved.flatMap(({ index: position, clientCa }) =>
    clientCa === undefined ? [] : check(gateway, position, clientCa, index),
  );
}

type Found = { readonly where: string; readonly ca: ClientCa };

function check(gateway: GatewayResource, position: number, source: ClientCaSource, index: ResourceIndex): Problem[] {
  const about = (code: 'IST0101' | 'IST0161' | 'MG0306', message: string): Problem[] => [
    problemAbout(gateway, ['spec', 'servers', position, 'tls', source.field], { severity: 'warning', code, message }),
  ];
  const found = find(source, index);
  if (found === undefined) return about('IST0101', missing(source, index.options.gatewayNamespace));
  const { where, ca } = found;
  if ('fault' in ca)
    return about('IST0161', `The ca.crt of ${where}, for the certificates of clients, cannot be used: ${ca.fault}.`);
  if (!index.isAfter(ca.notAfter)) return [];
  const day = new Date(ca.notAfter).toISOString().slice(0, 10);
  return about(
    'MG0306',
    `A certificate in the ca.crt of ${where}, for the certificates of clients, expired on ${day}. Renew it.`,
  );
}

/** As Istio looks for it, where the gateway lives: in what is named itself, or beside the server's certificate. */
function find({ field, name }: ClientCaSource, index: ResourceIndex): Found | undefined {
  const own = index.options.gatewayNamespace;
  for (const secret of field === 'credentialName' ? [`${name}-cacert`, name] : [name]) {
    const ca = index.secret(`${own}/${secret}`)?.spec.ca;
    if (ca !== undefined) return { where: `Secret ${own}/${secret}`, ca };
  }
  const ca = field === 'credentialName' ? undefined : index.configMap(`${own}/${name}`)?.spec.ca;
  return ca && { where: `ConfigMap ${own}/${name}`, ca };
}

function missing({ field, name }: ClientCaSource, namespace: string): string {
  const places =
    field === 'credentialName' ? `Secret ${name}-cacert nor Secret ${name}` : `Secret ${name} nor ConfigMap ${name}`;
  return `There is no CA for the certificates of clients: neither ${places} of namespace ${namespace} has a ca.crt. Create one (kubectl -n ${namespace} create secret generic ${name}${field === 'credentialName' ? '-cacert' : ''} --from-file=ca.crt=FILE).`;
}
