import { isIP, isIPv6 } from 'node:net';
import type { At } from '../reader/at.ts';
import { listOf } from '../reader/collections.ts';
import { type Reader, refine } from '../reader/reader.ts';
import { plainText } from '../reader/scalars.ts';

const LABEL = /^[a-z0-9](?:[-_a-z0-9]{0,61}[a-z0-9])?$/;

/** True for a DNS name, lower case, of one or more labels. */
export function isDnsName(name: string): boolean {
  return name.length <= 253 && name.split('.').every((label) => LABEL.test(label));
}

/** True for one DNS label, lower case: a namespace, a subset. */
export function isDnsLabel(name: string): boolean {
  return LABEL.test(name);
}

/** A host that clients ask for: exact, `*.suffix`, `*` or an IP address. Lower case; IPv6 in brackets, as in a Host field. */
export const hostPattern: Reader<string> = refine(plainText, (value, at) => checkPattern(value.toLowerCase(), at));

/** A host of a destination or DestinationRule: a service's short name or a full name; wildcards if allowed. */
export function serviceHostName(options: { readonly wildcard: boolean }): Reader<string> {
  return refine(plainText, (value, at) => {
    const name = value.toLowerCase();
    if (isDnsName(name)) return value;
    if (name.startsWith('*'))
      return options.wildcard
        ? checkPattern(name, at)
        : at.report({ message: 'A wildcard is not a destination: name one service.' });
    return reportHost(value, at);
  });
}

function checkPattern(name: string, at: At): string | undefined {
  if (name === '*' || isDnsName(name)) return name;
  if (isIP(name) !== 0) return isIPv6(name) ? `[${name}]` : name;
  if (name.startsWith('*.') && isDnsName(name.slice(2))) return name;
  if (name.includes('*'))
    return at.report({ message: `"${name}": a wildcard is "*" alone or the whole first label, as in *.example.com.` });
  return reportHost(name, at);
}

function reportHost(value: string, at: At): undefined {
  const hint = value.includes('://')
    ? ' Leave out the scheme.'
    : /:\d+$/.test(value)
      ? ' Leave out the port.'
      : value.endsWith('.')
        ? ' Leave out the dot at the end.'
        : '';
  return at.report({
    message: `"${value}" is not a host name: use letters, digits, "-" and ".", as in www.example.com.${hint}`,
  });
}

/** An IP address; IPv6 without brackets, lower case. */
export const ipAddress: Reader<string> = refine(plainText, (value, at) =>
  isIP(value) !== 0 && !value.includes('%')
    ? value.toLowerCase()
    : at.report({ message: `"${value}" is not an IP address.` }),
);

const exportTarget: Reader<string> = refine(plainText, (value, at) => {
  if (value === '.') return at.context.object.namespace;
  if (value === '*' || value === '~' || isDnsLabel(value)) return value;
  return at.report({ message: `"${value}" is not a namespace: use a name, "." (this one) or "*" (all).` });
});

/** Namespaces that may use an object; `~` (nobody) is kept as a name that no namespace has. */
export const exportTo: Reader<readonly string[]> = listOf(exportTarget);

/** The default where `exportTo` is absent or empty: everybody. */
export function orEverybody(namespaces: readonly string[] | undefined): readonly string[] {
  return namespaces === undefined || namespaces.length === 0 ? ['*'] : namespaces;
}
