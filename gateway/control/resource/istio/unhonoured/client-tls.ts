import type { At } from '../../reader/at.ts';
import { listOf } from '../../reader/collections.ts';
import { type Reader, refine } from '../../reader/reader.ts';
import { record } from '../../reader/record.ts';
import { boolean, oneOf, text } from '../../reader/scalars.ts';
import { isThere, writtenIn } from '../../reader/together.ts';

const MODES = {
  DISABLE: 'DISABLE',
  SIMPLE: 'SIMPLE',
  MUTUAL: 'MUTUAL',
  ISTIO_MUTUAL: 'ISTIO_MUTUAL',
} as const;

/** A Secret's name, or `configmap://namespace/name` of the own namespace. */
const credentialName: Reader<string> = refine(text, (name, at) => {
  const { namespace } = at.context.object;
  if (!name.startsWith('configmap://')) return name;
  const [owner, object, ...rest] = name.slice('configmap://'.length).split('/');
  if (owner === namespace && object !== undefined && object !== '' && rest.length === 0) return name;
  return at.report({ message: `Write a ConfigMap of the own namespace, as configmap://${namespace}/name.` });
});

/** `tls` of a traffic policy. */
export const clientTls: Reader<unknown> = refine(
  record({
    mode: oneOf(MODES),
    clientCertificate: text,
    privateKey: text,
    caCertificates: text,
    caCrl: text,
    credentialName,
    subjectAltNames: listOf(text),
    sni: text,
    insecureSkipVerify: boolean,
  }),
  (value, at) => {
    if (value.mode !== 'SIMPLE' && value.mode !== 'MUTUAL') return value;
    if (value.insecureSkipVerify === true) checkUnverified(at, value.mode);
    if (isThere(writtenIn(at), 'credentialName')) checkCredential(at);
    else if (value.mode === 'MUTUAL') checkPair(at);
    return value;
  },
);

function checkUnverified(at: At, mode: 'SIMPLE' | 'MUTUAL'): void {
  const forNothing = ['caCertificates', 'subjectAltNames', ...(mode === 'SIMPLE' ? ['credentialName'] : [])];
  report(at, forNothing, 'checks the backend, and insecureSkipVerify: true says not to: keep one');
}

function checkCredential(at: At): void {
  report(at, ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl'], 'is in the credential: keep one');
}

function report(at: At, names: readonly string[], why: string): void {
  const written = writtenIn(at);
  for (const name of names)
    if (isThere(written, name) && !isEmptyList(written[name]))
      at.child(name, undefined).reportKey({ message: `"${name}" ${why}.` });
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function checkPair(at: At): void {
  const written = writtenIn(at);
  for (const name of ['clientCertificate', 'privateKey'])
    if (!isThere(written, name)) at.reportKey({ message: `MUTUAL needs ${name}, or a credentialName.` });
}
