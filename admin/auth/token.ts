import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { writeFileAtomicallySync } from '../../gateway/support/atomic-file.ts';
import type { AdminLog } from '../log.ts';

/** Shorter or stranger content than this is no token: it is replaced. */
const ACCEPTABLE = /^[\x21-\x7e]{32,512}$/;

/** The bearer token of the admin API. Prints as `[redacted]` wherever it might be logged. */
export class AdminToken {
  readonly file: string;
  readonly #digest: Buffer;

  constructor(secret: string, file: string) {
    this.#digest = digest(secret);
    this.file = file;
  }

  /** Compares digests of equal length in constant time, so that neither content nor length leaks. */
  equals(candidate: string): boolean {
    return timingSafeEqual(digest(candidate), this.#digest);
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return '[redacted]';
  }
}

/**
 * Reads `admin-token` of the state directory, or makes it on the first start: 32 random bytes, mode 0600.
 * A file that others may read is closed to them, with a warning that asks for a new one.
 */
export function openToken(stateDir: string, log: AdminLog): AdminToken {
  const file = path.join(stateDir, 'admin-token');
  const found = readToken(file, log);
  if (found !== undefined) return new AdminToken(found, file);
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const secret = randomBytes(32).toString('base64url');
  writeFileAtomicallySync(file, `${secret}\n`, { mode: 0o600, durability: 'disk' });
  log.info({ file }, 'admin token created');
  return new AdminToken(secret, file);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function readToken(file: string, log: AdminLog): string | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (!stats.isFile())
    throw new Error(`${file} must be a regular file that holds the admin token: remove it, and a new one is made.`);
  if ((stats.mode & 0o077) !== 0) {
    chmodSync(file, 0o600);
    log.warn(
      { file },
      'the admin token could be read by other users; closed now: delete the file and restart to get a new token',
    );
  }
  const secret = readFileSync(file, 'utf8').trim();
  if (ACCEPTABLE.test(secret)) return secret;
  log.warn(
    { file },
    'the admin token file holds no usable token (32 to 512 printable characters): replaced by a new one',
  );
  return undefined;
}
