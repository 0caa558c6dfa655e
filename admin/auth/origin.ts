import { isIP } from 'node:net';
import { ApiError } from '../api/errors.ts';

/** The names under which this server may be addressed, lower case, IPv6 without brackets. */
export type AllowedHosts = ReadonlySet<string>;

/** What the check needs to know of one request. */
export type Addressed = {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** The address the connection came in on: naming it literally is always right. */
  readonly localAddress: string | undefined;
  readonly scheme: 'http' | 'https';
};

/**
 * Keeps web pages out. DNS rebinding makes a browser send `Host: evil.example` here: only known names pass
 * (421). A page of another origin, also another port of this machine, is refused by its Origin (403).
 * The port in Host is not compared: `ssh -L 8080:127.0.0.1:15000` changes it, an attacker gains nothing by it.
 */
export function checkAddressed(request: Addressed, allowed: AllowedHosts): void {
  const name = hostName(request.host);
  if (name === undefined) throw new ApiError('bad-request', 'The request needs one valid Host header.');
  if (!allowed.has(name) && !isLocalAddress(name, request.localAddress)) {
    throw new ApiError(
      'misdirected-host',
      'This Host is not a name of the admin API: use localhost, 127.0.0.1, [::1] or the address of the settings.',
    );
  }
  if (request.origin === undefined) return;
  if (request.origin.toLowerCase() !== `${request.scheme}://${request.host?.toLowerCase()}`) {
    throw new ApiError('forbidden-origin', 'Web pages of another origin may not use the admin API.');
  }
}

/** Host without port and brackets, lower case; undefined when it is missing or no host at all. */
function hostName(host: string | undefined): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host ?? '');
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

/** An IP literal needs no DNS, so it cannot be rebound. */
function isLocalAddress(name: string, localAddress: string | undefined): boolean {
  return isIP(name) !== 0 && name === localAddress?.toLowerCase().replace(/^::ffff:/, '');
}
