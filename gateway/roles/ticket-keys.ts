import { randomBytes } from 'node:crypto';

/**
 * The 48 bytes that all workers seal TLS session tickets with, so that a session made by one is resumed by any.
 * Made anew at each start of the appliance, kept in memory only; base64.
 */
export function ticketKeys(): string {
  return randomBytes(48).toString('base64');
}
