import type { At } from '../reader/at.ts';
import { isThere, writtenIn } from '../reader/together.ts';
import type { ClientCaSource } from './gateway.ts';

const MODES = new Set(['MUTUAL', 'OPTIONAL_MUTUAL']);

/** What a server that asks clients for certificates names as their CA; undefined for files, and for servers that do not ask. */
export function clientCaOf(tls: At): ClientCaSource | undefined {
  const written = writtenIn(tls);
  if (!MODES.has(String(written['mode']))) return undefined;
  for (const field of ['caCertCredentialName', 'credentialName'] as const)
    if (isThere(written, field) && typeof written[field] === 'string') return { field, name: written[field] };
  return undefined;
}
