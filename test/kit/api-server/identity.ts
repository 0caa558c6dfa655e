import { createHmac, randomBytes } from 'node:crypto';
import { ApiStatus } from './api-status.ts';

/** Who asks. */
export type User = { readonly name: string; readonly groups: readonly string[] };

export type TokenOptions = {
  readonly user: string;
  readonly groups?: readonly string[];
  readonly expiresInMs?: number;
};

export const MASTERS = 'system:masters';

/** The user that may do everything. */
export const ADMIN: TokenOptions = { user: 'admin', groups: [MASTERS] };

/** Who brings no credentials at all. */
export const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

type Issued = { readonly user: User; expiresAt: number };

/** The bearer tokens that this cluster has given out. */
export class Tokens {
  readonly #key = randomBytes(32);
  readonly #issued = new Map<string, Issued>();

  /** A token in the form of a JWT, since clients read the end of its life from there. */
  issue({ user, groups = [], expiresInMs = 365 * 86_400_000 }: TokenOptions): string {
    const now = Date.now();
    const token = this.#sign({
      iss: 'https://kubernetes.default.svc',
      sub: user,
      aud: ['https://kubernetes.default.svc'],
      iat: Math.floor(now / 1_000),
      exp: Math.floor((now + expiresInMs) / 1_000),
      jti: randomBytes(16).toString('hex'),
    });
    this.#issued.set(token, { user: withAuthenticated(user, groups), expiresAt: now + expiresInMs });
    return token;
  }

  /** Ends a token's life at once; without a token, that of every token of this user. */
  expire(which: { readonly token?: string; readonly user?: string }): void {
    for (const [token, issued] of this.#issued)
      if (token === which.token || issued.user.name === which.user) issued.expiresAt = 0;
  }

  userOf(token: string): User | undefined {
    const issued = this.#issued.get(token);
    return issued !== undefined && issued.expiresAt > Date.now() ? issued.user : undefined;
  }

  #sign(claims: Readonly<Record<string, unknown>>): string {
    const head = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'JWT' })).toString('base64url');
    const body = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return `${head}.${body}.${createHmac('sha256', this.#key).update(`${head}.${body}`).digest('base64url')}`;
  }
}

/** A known user's groups always have this one. */
export function withAuthenticated(name: string, groups: readonly string[]): User {
  return { name, groups: [...groups, 'system:authenticated'] };
}

/** A service account as a user. */
export function serviceAccountUser(namespace: string, name: string): { user: string; groups: string[] } {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
  };
}

export function unauthorized(): ApiStatus {
  return new ApiStatus(401, 'Unauthorized', 'Unauthorized');
}
