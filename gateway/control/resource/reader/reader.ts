import type { At } from './at.ts';

/** Reads one value: the typed value, or `undefined` after reporting why not. Never throws, whatever the value is. */
export type Reader<T> = (at: At) => T | undefined;

/** A known field that this version does not honour, with what happens instead, in words that end a sentence. */
export type Unhonoured = {
  readonly meanwhile: string;
  /** Takes what Istio takes, and reports the rest: a mistake should not wait for a later version. */
  readonly value?: Reader<unknown>;
};

/** A record's field that must be there; `hint` says what to write. */
export type RequiredField<T> = { readonly reader: Reader<T>; readonly hint: string };

/** Marks a field as required. */
export function required<T>(reader: Reader<T>, hint: string): RequiredField<T> {
  return { reader, hint };
}

/** Reads with `reader`, then refines or checks the result. */
export function refine<T, U>(reader: Reader<T>, step: (value: T, at: At) => U | undefined): Reader<U> {
  return (at) => {
    const value = reader(at);
    return value === undefined ? undefined : step(value, at);
  };
}

/** For fields that Kubernetes knows and an edge has no use for. */
export function ignored(): undefined {
  return undefined;
}

/** A shape of ignored fields: `ignoredFields('clusterIP', 'clusterIPs')`. */
export function ignoredFields(...names: readonly string[]): Readonly<Record<string, Reader<undefined>>> {
  return Object.fromEntries(names.map((name) => [name, ignored]));
}

/** What a value is, in words that never give away a secret. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a set of fields';
  return typeof value === 'boolean' ? 'true or false' : `a ${typeof value}`;
}
