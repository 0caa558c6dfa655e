import { defined } from '../defined.ts';
import type { At } from '../reader/at.ts';
import { mapOf } from '../reader/collections.ts';
import { ignored, type Reader, refine } from '../reader/reader.ts';
import { plainText, text } from '../reader/scalars.ts';
import { readCertificate } from './certificate.ts';
import { readClientCa } from './client-ca.ts';
import type { SecretSpec, TlsMaterial } from './secret.ts';

/** No report about a value here may quote it. */
const encoded: Reader<string> = refine(text, (value, at) => {
  const compact = value.replaceAll(/\s/g, '');
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(compact))
    return at.report({ message: 'This is not base64: encode the value, or put it as plain text under stringData.' });
  return Buffer.from(compact, 'base64').toString('utf8');
});

/** The body of a Secret (it has no `spec`). */
export const secretFields = { type: plainText, data: mapOf(encoded), stringData: mapOf(text), immutable: ignored };

type SecretValue = {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
};

/** Istio takes the names of `kubernetes.io/tls`, or its own older ones. */
const PAIRS = [
  ['tls.crt', 'tls.key'],
  ['cert', 'key'],
] as const;

/** Puts what {@link secretFields} read together: the certificate, if it holds one, is checked with its key. */
export function toSecret(value: SecretValue, at: At): SecretSpec {
  const type = value.type ?? 'Opaque';
  const entries: Readonly<Record<string, string>> = { ...value.data, ...value.stringData };
  const pair = PAIRS.find(([certificate, key]) => certificate in entries && key in entries);
  const authority = entries['ca.crt'] ?? entries['cacert'];
  const ca = authority === undefined ? undefined : readClientCa(authority);
  if (pair !== undefined) return { type, ...defined({ tls: readPair(pair, entries, value, at), ca }) };
  if (type === 'kubernetes.io/tls') reportIncomplete(at);
  return { type, ...defined({ ca }) };
}

function reportIncomplete(at: At): void {
  // An entry that is there but broken was reported already.
  if (!at.context.clean) return;
  at.reportKey({ message: 'A Secret of type kubernetes.io/tls needs tls.crt and tls.key, under data or stringData.' });
}

function readPair(
  [certificate, key]: (typeof PAIRS)[number],
  entries: Readonly<Record<string, string>>,
  value: SecretValue,
  at: At,
): TlsMaterial | undefined {
  const read = readCertificate(entries[certificate] ?? '', entries[key] ?? '');
  if (!('part' in read)) return read;
  const name = read.part === 'certificate' ? certificate : key;
  const place = value.stringData !== undefined && name in value.stringData ? 'stringData' : 'data';
  at.context.report([...at.path, place, name], { code: 'IST0161', message: read.message }, 'key');
  return undefined;
}
