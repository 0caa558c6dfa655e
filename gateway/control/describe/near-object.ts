import type { ObjectRef } from '../../snapshot/problem.ts';
import { didYouMean } from '../../support/did-you-mean.ts';
import type { StoredObject } from '../source/object-store.ts';

/** The object that somebody may have meant: of the same name in another namespace, or of a similar name. */
export function nearObject(
  { kind, namespace, name }: ObjectRef,
  objects: Iterable<StoredObject>,
): ObjectRef | undefined {
  const others: ObjectRef[] = [];
  for (const { key } of objects) {
    const [otherKind, otherNamespace = '', otherName = ''] = key.split('/');
    if (otherKind === kind) others.push({ kind, namespace: otherNamespace, name: otherName });
  }
  others.sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
  const elsewhere = others.find((other) => other.name === name);
  if (elsewhere !== undefined) return elsewhere;
  const here = others.filter((other) => other.namespace === namespace);
  const near = didYouMean(name, namesOf(here)) ?? didYouMean(name, namesOf(others));
  return here.find((other) => other.name === near) ?? others.find((other) => other.name === near);
}

function namesOf(objects: readonly ObjectRef[]): string[] {
  return objects.map(({ name }) => name);
}
