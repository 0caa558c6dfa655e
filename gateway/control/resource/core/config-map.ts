import { defined } from '../defined.ts';
import type { At } from '../reader/at.ts';
import { ignored } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { text } from '../reader/scalars.ts';
import { type ClientCa, readClientCa } from './client-ca.ts';

/** A ConfigMap matters at an edge for one thing: the CA that the certificates of clients are checked against. */
export type ConfigMapSpec = { readonly ca?: ClientCa };

/** The body of a ConfigMap (it has no `spec`). */
export const configMapFields = {
  data: record({ 'ca.crt': text }, { others: 'ignore' }),
  binaryData: ignored,
  immutable: ignored,
};

type ConfigMapValue = { readonly data?: { readonly 'ca.crt'?: string } };

/** Puts what {@link configMapFields} read together. */
export function toConfigMap({ data }: ConfigMapValue, at: At): ConfigMapSpec {
  const written = data?.['ca.crt'];
  if (written === undefined)
    at.child('kind', undefined).reportKey({
      severity: 'info',
      code: 'MG0101',
      message: 'Of a ConfigMap an edge needs only ca.crt, which this one has not: it is loaded and ignored.',
    });
  return defined({ ca: written === undefined ? undefined : readClientCa(written) });
}
