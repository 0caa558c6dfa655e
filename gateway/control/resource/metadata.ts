import type { ObjectRef } from '../../snapshot/problem.ts';
import { isDnsLabel } from './istio/host-values.ts';
import { labels, mapOf } from './reader/collections.ts';
import { ignoredFields, type Reader, refine } from './reader/reader.ts';
import { record } from './reader/record.ts';
import { text } from './reader/scalars.ts';

/** Kubernetes bounds the whole of a name, not its parts: that of an EndpointSlice is longer than its Service's. */
const NAME = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

const objectName: Reader<string> = refine(text, (name, at) =>
  NAME.test(name)
    ? name
    : at.report({ message: `"${name}" is not an object's name: use lower-case letters, digits, "-" and ".".` }),
);

const namespaceName: Reader<string> = refine(text, (name, at) =>
  isDnsLabel(name) && !name.includes('_')
    ? name
    : at.report({ message: `"${name}" is not a namespace: use lower-case letters, digits and "-".` }),
);

/** `metadata`: what we use, and the rest of what Kubernetes knows. */
export const metadata = record({
  name: objectName,
  namespace: namespaceName,
  labels,
  annotations: mapOf(text),
  creationTimestamp: text,
  deletionTimestamp: text,
  ...ignoredFields('generateName', 'uid', 'resourceVersion', 'generation', 'managedFields', 'ownerReferences'),
  ...ignoredFields('finalizers', 'deletionGracePeriodSeconds', 'selfLink', 'clusterName', 'initializers'),
});

/** What {@link metadata} reads. */
export type Metadata = NonNullable<ReturnType<typeof metadata>>;

/** What an object calls itself, as far as it can be read. */
export type Identity = {
  readonly apiVersion: string | undefined;
  readonly kind: string | undefined;
  readonly namespace: string;
  readonly name: string | undefined;
};

/** Reads the identity before anything else: every Problem should name its object. */
export function identify(value: object, defaultNamespace: string): Identity {
  const fields = value as Readonly<Record<string, unknown>>;
  const meta = fields['metadata'];
  const written = typeof meta === 'object' && meta !== null ? (meta as Readonly<Record<string, unknown>>) : {};
  const kind = stringOf(fields['kind']);
  return {
    apiVersion: stringOf(fields['apiVersion']),
    kind,
    namespace: kind === 'Namespace' || kind === 'Node' ? '' : (stringOf(written['namespace']) ?? defaultNamespace),
    name: stringOf(written['name']),
  };
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** How Problems name the object. */
export function toObjectRef(identity: Identity): ObjectRef {
  return { kind: identity.kind ?? '?', namespace: identity.namespace, name: identity.name ?? '?' };
}
