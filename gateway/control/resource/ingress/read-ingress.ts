import { defined } from '../defined.ts';
import type { Reader } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { plainText } from '../reader/scalars.ts';
import type { IngressSpec } from './ingress.ts';

const fields = record({ ingressClassName: plainText }, { others: 'ignore' });

/** `spec` of an Ingress. */
export const readIngress: Reader<IngressSpec> = (at) => defined({ className: fields(at)?.ingressClassName });
