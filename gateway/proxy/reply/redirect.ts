/** Where redirects lead: pure functions from the request's own address to a Location. */

import type { HttpsRedirect, Route, RouteAction } from '../../snapshot/route.ts';
import { ResponseFlag } from '../../telemetry/response-flags.ts';
import type { Reply } from './replies.ts';

/** What a redirect needs to know of a request. */
export type RedirectedRequest = {
  readonly scheme: 'http' | 'https';
  /** Lower case, without port; IPv6 in brackets. */
  readonly host: string;
  /** Port of the authority, -1 when it names none. */
  readonly authorityPort: number;
  /** Normalised path and query. */
  readonly path: string;
  readonly query: string;
  readonly nodePort: number;
};

const HTTPS_PORT = 443;
const HTTP_PORT = 80;

/** `tls.httpsRedirect`: the same host and path on the public HTTPS port that belongs to the port of arrival. */
export function httpsRedirect(request: RedirectedRequest, redirect: HttpsRedirect): Reply {
  const port = redirect.ports[String(request.nodePort)] ?? HTTPS_PORT;
  return redirectTo(301, `https://${request.host}${port === HTTPS_PORT ? '' : `:${port}`}${target(request)}`);
}

/** A VirtualService's `redirect`. */
export function routeRedirect(
  request: RedirectedRequest,
  route: Route,
  action: Extract<RouteAction, { kind: 'redirect' }>,
): Reply {
  const scheme = action.scheme ?? request.scheme;
  const path = action.path === undefined ? target(request) : replacedPath(request, route, action.path);
  return redirectTo(action.status, `${scheme}://${authority(request, action, scheme)}${path}`);
}

function redirectTo(status: number, location: string): Reply {
  return { status, flag: ResponseFlag.NONE, details: 'direct_response', body: '', location };
}

function target(request: RedirectedRequest): string {
  return request.query === '' ? request.path : `${request.path}?${request.query}`;
}

/** The default port of the new scheme is left out; without `port` the client's own port stays, unless it was the old default. */
function authority(
  request: RedirectedRequest,
  action: Extract<RouteAction, { kind: 'redirect' }>,
  scheme: string,
): string {
  const host = action.authority ?? request.host;
  const standard = scheme === 'https' ? HTTPS_PORT : HTTP_PORT;
  const withPort = (port: number): string => (port === -1 || port === standard ? host : `${host}:${port}`);
  if (typeof action.port === 'number') return withPort(action.port);
  if (action.port === 'from-protocol') return host;
  if (action.port === 'from-request') return withPort(request.authorityPort);
  if (action.authority !== undefined) return host;
  const oldStandard = request.scheme === 'https' ? HTTPS_PORT : HTTP_PORT;
  const changesScheme = scheme !== request.scheme;
  return changesScheme && request.authorityPort === oldStandard ? host : withPort(request.authorityPort);
}

/** `uri` replaces the whole path (and the query when it brings one); `prefixRewrite` the prefix that matched. */
function replacedPath(
  request: RedirectedRequest,
  route: Route,
  path: { readonly kind: 'replace' | 'prefix'; readonly value: string },
): string {
  const query = request.query === '' ? '' : `?${request.query}`;
  const value = uriText(path.value);
  if (path.kind === 'replace') return value.includes('?') ? value : value + query;
  return value + request.path.slice(matchedPrefix(request.path, route).length) + query;
}

/** RFC 3987 §3.1: a URI is ASCII. Heads are written one byte a character, where `Ċ` (U+010A) would become a line feed. */
function uriText(text: string): string {
  return text.toWellFormed().replace(/[^\x21-\x7e]+/g, encodeURIComponent);
}

function matchedPrefix(path: string, route: Route): string {
  for (const { uri } of route.matches) {
    if (uri?.kind !== 'prefix' && uri?.kind !== 'exact') continue;
    const candidate = path.slice(0, uri.value.length);
    if ((uri.ignoreCase ? candidate.toLowerCase() : candidate) === uri.value) return candidate;
  }
  return '/';
}
