/**
 * Who may use the admin API: over TCP only requests addressed to a known name, of the same origin, with the
 * token, GETs too. It never sees requests of the unix socket, whose file mode is the guard. Called by the app
 * before anything else happens to a request.
 */
import type { IncomingMessage } from 'node:http';
import { ApiError } from '../api/errors.ts';
import type { AdminLog } from '../log.ts';
import { FailureLimit } from './failures.ts';
import { type AllowedHosts, checkAddressed } from './origin.ts';
import type { AdminToken } from './token.ts';

const CHALLENGE = { 'www-authenticate': 'Bearer realm="mesh-gateway"' };

/** Checks one request and throws an `ApiError` when it may not pass. */
export type Guard = (request: IncomingMessage) => void;

export function createGuard(options: {
  readonly token: AdminToken;
  readonly allowedHosts: AllowedHosts;
  readonly scheme: 'http' | 'https';
  readonly log: AdminLog;
}): Guard {
  const failures = new FailureLimit();
  return (request) => {
    const { origin, authorization } = request.headers;
    // Two Host lines are none: whoever reads the other one would think differently.
    const [host, second] = request.headersDistinct['host'] ?? [];
    const { localAddress, remoteAddress } = request.socket;
    checkAddressed(
      { host: second === undefined ? host : undefined, origin, localAddress, scheme: options.scheme },
      options.allowedHosts,
    );
    const candidate = bearerOf(authorization);
    if (candidate !== undefined && options.token.equals(candidate)) return;
    refuse(candidate, remoteAddress ?? 'unknown', failures, options);
  };
}

function bearerOf(authorization: string | undefined): string | undefined {
  return /^bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1];
}

function refuse(
  candidate: string | undefined,
  address: string,
  failures: FailureLimit,
  { token, log }: { readonly token: AdminToken; readonly log: AdminLog },
): never {
  if (!failures.permits(address)) {
    throw new ApiError('too-many-failures', 'Too many requests without a valid token: wait a second.', {
      headers: { 'retry-after': '1' },
    });
  }
  log.warn({ address }, candidate === undefined ? 'admin request without a token' : 'admin request with a wrong token');
  const message =
    candidate === undefined
      ? `Send "Authorization: Bearer TOKEN"; the token is in ${token.file}.`
      : `This token is not valid; the right one is in ${token.file}.`;
  throw new ApiError('unauthorized', message, { headers: CHALLENGE });
}
