import { isIP, isIPv4, isIPv6 } from 'node:net';
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
export const hostPattern: Reader<string> = refine(plainText, (value, at) =>
  checkPattern(warnOfForm(value.toLowerCase(), at), at),
);

/** What clients may well ask for, and Istio refuses for its form. */
function warnOfForm(name: string, at: At): string {
  const last = name.slice(name.lastIndexOf('.') + 1);
  if (isIP(name) === 0 && isDnsName(name.replace(/^\*\./, '')) && (name.includes('_') || isDigits(last, name)))
    at.report({
      severity: 'warning',
      message: `Istio refuses "${name}", for an "_" or for a last part of digits only; it is served here.`,
    });
  return name;
}

function isDigits(last: string, name: string): boolean {
  return last !== name && /^\d+$/.test(last);
}

/** A host of a destination or DestinationRule: a service's short name or a full name; wildcards if allowed. */
export function serviceHostName(options: { readonly wildcard: boolean }): Reader<string> {
  return refine(plainText, (value, at) => {
    const name = value.toLowerCase();
    if (isIPv4(name)) return at.report({ message: `"${value}" is an address, and no service has such a name.` });
    if (isDnsName(name)) return warnOfForm(name, at) === name ? value : undefined;
    if (name.startsWith('*'))
      return options.wildcard
        ? checkPattern(name, at)
        : at.report({
            ...(name === '*' ? {} : { code: 'MG0207' }),
            message: 'A wildcard is not a destination: name one service.',
          });
    return reportHost(value, at);
  });
}

function checkPattern(name: string, at: At): string | undefined {
  if (name === '*' || isDnsName(name)) return name;
  if (isIP(name) !== 0) return isIPv6(name) ? `[${name}]` : name;
  if (name.startsWith('*.') && isDnsName(name.slice(2))) return name;
  if (name.includes('*'))
    return at.report({
      ...(/^\*[-a-z0-9.]*$/.test(name) && { code: 'MG0207' }),
      message: `"${name}": a wildcard is "*" alone or the whole first label, as in *.example.com.`,
    });
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
    ...(isDnsName(value.toLowerCase().replace(/\.$/, '')) && { code: 'MG0207' }),
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
export function exportTo(options: { readonly nobody: 'ok' | 'odd' }): Reader<readonly string[]> {
  return refine(listOf(exportTarget), (namespaces, at) => {
    const flaw = oddExport(namespaces, options.nobody);
    if (flaw !== undefined) at.report({ severity: 'warning', message: `${flaw} Istio refuses such a list.` });
    return namespaces;
  });
}

function oddExport(namespaces: readonly string[], nobody: 'ok' | 'odd'): string | undefined {
  if (new Set(namespaces).size < namespaces.length) return 'A namespace is there twice: keep one.';
  if (namespaces.includes('*') && namespaces.length > 1) return '"*" holds every namespace: remove the others, or it.';
  if (namespaces.includes('~') && namespaces.length > 1) return '"~" means nobody: remove it, or the others.';
  if (namespaces.includes('~') && nobody === 'odd')
    return '"~" (nobody) is for a ServiceEntry: remove the object instead.';
  return namespaces.some((name) => name.includes('_')) ? 'No namespace has an "_" in its name.' : undefined;
}

/** The default where `exportTo` is absent or empty: everybody. */
export function orEverybody(namespaces: readonly string[] | undefined): readonly string[] {
  return namespaces === undefined || namespaces.length === 0 ? ['*'] : namespaces;
}
