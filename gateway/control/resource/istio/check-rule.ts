// Promises: fields of one rule that contradict each other are told, as far as Istio tells them.
// Never: looks into a field for its own sake (its reader does).
// Called by: the reader of a VirtualService, once a rule's fields are read.
import { hostWithin } from '../host-names.ts';
import type { At } from '../reader/at.ts';
import { hasEntries, inert, isThere, writtenIn } from '../reader/together.ts';
import { isAuthority } from './unhonoured/header-operations.ts';

/** Answers that the gateway gives by itself: nothing is forwarded that could be rewritten or disturbed. */
const OWN_ANSWERS = ['redirect', 'directResponse'] as const;
const NEEDS_ROUTE = ['fault', 'rewrite'] as const;

/** Looks at the fields of the rule at `at` together. */
export function checkRule(at: At): void {
  const rule = writtenIn(at);
  for (const answer of OWN_ANSWERS)
    for (const name of NEEDS_ROUTE) if (isThere(rule, answer) && isThere(rule, name)) reportPair(at, answer, name);
  if (isThere(rule, 'mirror') && hasEntries(rule['mirrors'])) reportPair(at, 'mirror', 'mirrors');
  checkPrefixRewrite(at, rule);
  checkAuthority(at, rule);
}

/** Neither of the two may be honoured here, and a cluster's API server has taken both. */
function reportPair(at: At, kept: string, other: string): void {
  at.child(other, undefined).reportKey({
    ...inert(at),
    message: `"${kept}" and "${other}" exclude each other: keep one.`,
  });
}

/** A prefix can only be replaced where every path condition names one. */
function checkPrefixRewrite(at: At, { redirect, match }: Readonly<Record<string, unknown>>): void {
  if (!isThere(Object(redirect), 'prefixRewrite') || !Array.isArray(match)) return;
  const uris = match.map((block: unknown) => Object(block)['uri'] as unknown);
  const other = uris.findIndex((uri) => uri !== undefined && uri !== null && !Object.hasOwn(Object(uri), 'prefix'));
  if (other !== -1)
    at.child('redirect', redirect)
      .child('prefixRewrite', undefined)
      .reportKey({
        message: `prefixRewrite replaces a prefix, and match[${other}].uri names none: use uri there with prefix, or redirect.uri.`,
      });
}

/** The host of a request can be set in three places; one must do. */
function checkAuthority(at: At, { rewrite, headers }: Readonly<Record<string, unknown>>): void {
  const operations = Object(Object(headers)['request']);
  const names = ['set', 'add'].flatMap((name) => Object.keys(Object(operations[name])).filter(isAuthority));
  const places = [...(isThere(Object(rewrite), 'authority') ? ['rewrite.authority'] : []), ...names];
  if (places.length > 1)
    at.child('headers', undefined).reportKey({
      ...inert(at),
      message: `The host is set more than once (${places.join(', ')}): keep one.`,
    });
}

/** Hosts of which one holds another: the smaller one is there twice. */
export function checkHostsTwice(hosts: readonly string[], at: At): void {
  for (const [index, host] of hosts.entries()) {
    const wider = hosts.find((other, place) => place !== index && covers(other, place, host, index));
    if (wider !== undefined)
      at.context.report([...at.path, 'hosts', index], {
        severity: 'warning',
        message: `"${wider}" is among the hosts, and holds "${host}": remove it here, since Istio takes but one of such two.`,
      });
  }
}

function covers(other: string, place: number, host: string, index: number): boolean {
  return other === host ? place < index : hostWithin(host, other);
}
