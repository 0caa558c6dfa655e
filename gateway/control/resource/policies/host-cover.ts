/** True when a request for some name of `domain` (exact, `*.suffix` or `*`) may match one of a policy's host strings. */
export function coversDomain(hosts: readonly string[], domain: string): boolean {
  return hosts.some((host) => mayMatch(withoutPort(host), domain));
}

/** True when every request for a name of `domain`, whatever port its Host header names, matches one of the host strings. */
export function coversWholly(hosts: readonly string[], domain: string): boolean {
  if (hosts.includes('*')) return true;
  // No string match is for names of one suffix with any port.
  if (domain.startsWith('*')) return false;
  return hosts.some((host) => matches(host, domain)) && hosts.some((host) => coversPorts(host, domain));
}

/** `a.example:*`, or a beginning of it. */
function coversPorts(host: string, domain: string): boolean {
  return host.endsWith('*') && `${domain}:`.startsWith(host.slice(0, -1));
}

function matches(host: string, name: string): boolean {
  if (host.startsWith('*')) return name.endsWith(host.slice(1));
  return host.endsWith('*') ? name.startsWith(host.slice(0, -1)) : host === name;
}

/**
 * A policy compares with the whole Host header. Ports, of which a part may be written, and a dot at the end are left out
 * here, which can only cover more.
 */
function withoutPort(host: string): string {
  if (/^\*\d+$/.test(host)) return '*';
  const bare = host.replace(/:[^:\]]*$/, '').replace(/\.$/, '');
  return bare === '' ? '*' : bare;
}

/** Istio's string match: `*` anything, `a*` a prefix, `*a` a suffix, else the very name. */
function mayMatch(host: string, domain: string): boolean {
  const isWild = domain.startsWith('*');
  const suffix = isWild ? domain.slice(1) : domain;
  if (host === '*' || domain === '*') return true;
  // The beginning of a wildcard's names is open.
  if (host.endsWith('*')) return isWild || domain.startsWith(host.slice(0, -1));
  if (host.startsWith('*')) {
    const end = host.slice(1);
    return suffix.endsWith(end) || (isWild && end.endsWith(suffix));
  }
  return isWild ? host.endsWith(suffix) : host === domain;
}
