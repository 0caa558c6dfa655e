// Promises: of what may guard hosts and cannot be read, whether it may be meant for this gateway; it then closes all hosts.
// Never: takes for harmless what nobody could read. Pure.
// Called by: the sources (which find it), build (which closes the hosts) and the checks (which say so).
import type { Problem, SourcePosition } from '../../../snapshot/problem.ts';
import { identify } from '../metadata.ts';
import { POLICY_KINDS, type ResourceKey, resourceKey } from '../resource.ts';

/** Something that may guard hosts, and that cannot be read: nobody knows which. */
export type UnreadPolicy = {
  readonly kind: 'unread';
  /** `Kind/namespace/name`; the kind alone when it is not known how many there are, or what they are called. */
  readonly policy: ResourceKey;
  /** The only namespaces that it can be of; where absent, it can be of every one. */
  readonly namespaces?: readonly string[];
  /** Why it cannot be read and how to mend that, in sentences. */
  readonly why: string;
  readonly position?: SourcePosition;
};

/** True when it may be meant for a gateway of this namespace. */
export function mayConcern(
  { namespaces }: UnreadPolicy,
  gateway: { readonly namespace: string; readonly rootNamespace: string },
): boolean {
  return (
    namespaces === undefined || namespaces.some((one) => one === gateway.namespace || one === gateway.rootNamespace)
  );
}

/** True when the settings name the object, or its kind as a whole. */
export function isAccepted(policy: ResourceKey, accepted: ReadonlySet<string>): boolean {
  return accepted.has(policy) || accepted.has(policy.split('/', 1)[0] ?? '');
}

const kinds: ReadonlySet<string> = new Set(POLICY_KINDS);
const SECURITY = 'security.istio.io/';

/** What a whole document, which no object could be made of, may be: a kind that nobody knows is taken for the usual one. */
export function unreadIn(value: unknown, problem: Problem, defaultNamespace: string): UnreadPolicy[] {
  // A list without `kind: List`, or text where fields should be.
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return unreadInText(typeof value === 'string' ? value : JSON.stringify(value ?? null), undefined, problem);
  const { message, position } = problem;
  const { kind: written = '', apiVersion = '', namespace, name } = identify(value, defaultNamespace);
  const isSecurity = apiVersion.startsWith(SECURITY) && written !== 'PeerAuthentication';
  if (!kinds.has(written) && !isSecurity) return [];
  const kind = kinds.has(written) ? written : 'AuthorizationPolicy';
  return [
    {
      kind: 'unread',
      policy: name === undefined ? kind : resourceKey({ kind, namespace, name }),
      namespaces: [namespace],
      why: message,
      ...(position && { position }),
    },
  ];
}

const KIND = new RegExp(`\\bkind["']?[ \\t]*:[ \\t]*["']?(${POLICY_KINDS.join('|')})\\b`, 'g');
const NAMESPACE = /\bnamespace["']?[ \t]*:[ \t]*["']?([^\s,"'}\]#]*)/g;

/** What a text that is no YAML says that it is. `value` is what a parser could guess of it. */
export function unreadInText(text: string, value: unknown, { message, position }: Problem): UnreadPolicy[] {
  const names = [...text.matchAll(NAMESPACE)].map(([, name = '']) => name);
  // Without a readable one, any may be meant.
  const isTold = names.length > 0 && names.every((name) => /^[a-z0-9-]+$/.test(name));
  const found = [...text.matchAll(KIND)].map(([, kind = '']) => kind);
  const guess = typeof value === 'object' && value !== null ? identify(value, 'default') : undefined;
  return found.map((kind) => {
    const isNamed = found.length === 1 && guess?.kind === kind && guess.name !== undefined;
    return {
      kind: 'unread',
      policy: isNamed ? resourceKey({ kind, namespace: guess.namespace, name: guess.name ?? '' }) : kind,
      ...(isTold && { namespaces: [...new Set(names)] }),
      why: message,
      ...(position && { position }),
    };
  });
}
