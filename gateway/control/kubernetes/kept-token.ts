// Promises: the newest token of a kubeconfig survives restarts and reboots, in a file of the state directory (0600).
// Never: hands out a token that came from another kubeconfig, or a part of one.
// Called by: token-renewal.ts.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFileAtomically } from '../../support/atomic-file.ts';
import { SecretText } from '../resource/core/secret-text.ts';

/** A token with the time of its end, in milliseconds since the epoch. */
export type DatedToken = { readonly token: SecretText; readonly issuedAt: number; readonly expiresAt: number };

const FORM = 1;

/** The token that `original` was renewed to last; undefined when there is none, or no whole one. */
export function readKeptToken(file: string, original: SecretText): DatedToken | undefined {
  const kept = parsed(file);
  if (kept['form'] !== FORM || kept['renews'] !== fingerprint(original)) return undefined;
  const { token, issuedAt, expiresAt } = kept;
  if (typeof token !== 'string' || typeof issuedAt !== 'number' || typeof expiresAt !== 'number') return undefined;
  return { token: new SecretText(token), issuedAt, expiresAt };
}

/** Keeps `renewed` as what `original` became. */
export async function keepToken(file: string, original: SecretText, renewed: DatedToken): Promise<void> {
  const { token, issuedAt, expiresAt } = renewed;
  const content = { form: FORM, renews: fingerprint(original), token: token.reveal(), issuedAt, expiresAt };
  await writeFileAtomically(file, `${JSON.stringify(content)}\n`, { mode: 0o600, durability: 'disk' });
}

function parsed(file: string): Readonly<Record<string, unknown>> {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof content === 'object' && content !== null ? { ...content } : {};
  } catch {
    return {};
  }
}

function fingerprint(token: SecretText): string {
  return createHash('sha256').update(token.reveal()).digest('hex');
}
