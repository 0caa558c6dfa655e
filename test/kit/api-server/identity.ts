import { randomBytes } from 'node:crypto';
import { ApiStatus } from './api-status.ts';

/** Who asks. */
export type User = { readonly name: string; readonly groups: readonly string[] };

export type TokenOptions = {
  readonly user: string;
  readonly groups?: readonly string[];
  readonly expiresInMs?: number;
};

/** The user that may do everything. */
export const ADMIN: TokenOptions = { user: 'admin', groups: ['system:masters'] };

type Issued = { readonly user: User; readonly expiresAt: number };

/** The bearer tokens that this cluster has given out. */
export class Tokens {
  readonly #issued = new Map<string, Issued>();

  issue({ user, groups = [], expiresInMs = Number.POSITIVE_INFINITY }: TokenOptions): string {
    const token = `test-${randomBytes(24).toString('base64url')}`;
    this.#issued.set(token, {
      user: { name: user, groups: [...groups, 'system:authenticated'] },
      expiresAt: Date.now() + expiresInMs,
    });
    return token;
  }

  /** Ends a token's life at once. */
  revoke(token: string): void {
    this.#issued.delete(token);
  }

  userOf(token: string): User | undefined {
    const issued = this.#issued.get(token);
    return issued !== undefined && issued.expiresAt > Date.now() ? issued.user : undefined;
  }
}

/** The token of an Authorization header, if it has one. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer\s+(\S+)$/i.exec(header ?? '')?.[1];
}

export function unauthorized(): ApiStatus {
  return new ApiStatus(401, 'Unauthorized', 'Unauthorized');
}
