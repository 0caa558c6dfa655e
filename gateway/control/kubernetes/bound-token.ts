import type { SecretText } from '../resource/core/secret-text.ts';

/** What a ServiceAccount's token says of itself, if it ends at some time. Times are milliseconds since the epoch. */
export type BoundToken = {
  readonly namespace: string;
  readonly account: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
};

/**
 * Reads the claims of a token; the API server alone verifies them. Undefined for whatever cannot or need not be renewed:
 * tokens of people, opaque ones, and the old kind that never ends.
 */
export function boundTokenIn(token: SecretText): BoundToken | undefined {
  const claims = claimsOf(token);
  const [, namespace, account] = /^system:serviceaccount:([^:/]+):([^:/]+)$/.exec(String(claims['sub'])) ?? [];
  const { exp, iat } = claims;
  if (namespace === undefined || account === undefined || !isTime(exp) || !isTime(iat)) return undefined;
  return { namespace, account, issuedAt: iat * 1000, expiresAt: exp * 1000 };
}

/** The payload of a JSON Web Token (RFC 7519 §3); empty when it is none. */
function claimsOf(token: SecretText): Readonly<Record<string, unknown>> {
  const [, payload, signature] = token.reveal().split('.');
  if (payload === undefined || signature === undefined) return {};
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? { ...claims } : {};
  } catch {
    return {};
  }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}
