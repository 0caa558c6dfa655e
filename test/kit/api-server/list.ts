import { ApiStatus, badRequest, expired, invalidOptions, plainError } from './api-status.ts';
import type { ClusterState, Target } from './cluster-state.ts';
import { parseSelectors, type Selects } from './selectors.ts';
import { type Entry, firstOf, type Table } from './table.ts';
import type { ListMeta } from './wire.ts';

/** The entries and metadata that answer a list request. */
export type Page = { readonly meta: ListMeta; readonly entries: readonly Entry[] };

type Place = { readonly revision: number; readonly after: string };

const TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** One page (or all) of a resource, under the resourceVersion rules of the Kubernetes API. */
export function listPage(state: ClusterState, target: Target, query: URLSearchParams): Page {
  const table = state.store.table(target.type);
  const selects = inNamespace(target.namespace, parseSelectors(query, target.type));
  const token = query.get('continue') ?? '';
  const limit = parseLimit(query);
  const answer = (page: Page): Page => (isSelection(query) ? uncounted(page) : page);
  if (token === '') return answer(firstPage(state, table, selects, limit, query));
  if ((query.get('resourceVersionMatch') ?? '') !== '')
    throw forbiddenMatch('resourceVersionMatch is forbidden when continue is provided');
  if ((query.get('resourceVersion') ?? '') !== '')
    throw badRequest('specifying resource version is not allowed when using continue');
  return answer(nextPage(state, table, selects, limit, token));
}

function isSelection(query: URLSearchParams): boolean {
  return ['labelSelector', 'fieldSelector'].some((selector) => (query.get(selector) ?? '') !== '');
}

/** Whoever selects is not told how much is left: it would have to be looked for. */
function uncounted({ meta: { remainingItemCount: _count, ...meta }, entries }: Page): Page {
  return { meta, entries };
}

function firstPage(
  state: ClusterState,
  table: Table,
  selects: Selects | undefined,
  limit: number,
  query: URLSearchParams,
): Page {
  const asked = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  checkMatch(asked, match);
  // "0" is answered from the watch cache, which knows no pages.
  if (asked === '' || asked === '0')
    return page(table.list(), state.store.revision, selects, asked === '0' ? 0 : limit);
  const revision = parseRevision(asked);
  if (revision > state.store.revision) throw tooLarge(revision, state.store.revision);
  const exact = match === 'Exact' || (match === '' && limit > 0);
  if (!exact) return page(table.list(), state.store.revision, selects, limit);
  const entries = table.listAt(revision);
  if (entries === undefined) throw expired(`The resourceVersion for the provided list is too old.`);
  return page(entries, revision, selects, limit);
}

function nextPage(state: ClusterState, table: Table, selects: Selects | undefined, limit: number, token: string): Page {
  const place = parseToken(token);
  // -1 asks to go on inconsistently, which the server offers when the snapshot is gone.
  const revision = place.revision === -1 ? state.store.revision : place.revision;
  const entries = table.listAt(revision);
  if (entries === undefined) throw expired(TOO_OLD, makeToken({ revision: -1, after: place.after }));
  const first = firstOf(entries, ({ key }) => key > place.after);
  return page(entries.slice(first), revision, selects, limit);
}

function page(entries: readonly Entry[], revision: number, selects: Selects | undefined, limit: number): Page {
  const selected = selects === undefined ? entries : entries.filter((entry) => selects(entry.object));
  const resourceVersion = String(revision);
  if (limit === 0 || selected.length <= limit) return { meta: { resourceVersion }, entries: selected };
  const shown = selected.slice(0, limit);
  const token = makeToken({ revision, after: shown.at(-1)?.key ?? '' });
  return {
    meta: {
      resourceVersion,
      continue: token,
      remainingItemCount: selected.length - shown.length,
    },
    entries: shown,
  };
}

function inNamespace(namespace: string | undefined, selects: Selects | undefined): Selects | undefined {
  if (namespace === undefined) return selects;
  return (object) => object.metadata.namespace === namespace && (selects === undefined || selects(object));
}

function parseLimit(query: URLSearchParams): number {
  const text = query.get('limit') ?? '';
  if (text === '') return 0;
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  return Math.max(0, Number(text));
}

/** A resourceVersion as the server reads it; clients must treat it as opaque. */
export function parseRevision(text: string): number {
  if (!/^\d+$/.test(text))
    throw plainError(`resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`);
  return Number(text);
}

function checkMatch(asked: string, match: string): void {
  if (match === '') return;
  if (match !== 'Exact' && match !== 'NotOlderThan')
    throw invalidOptions('ListOptions', {
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: "${match}": supported values: "Exact", "NotOlderThan", ""`,
      field: 'resourceVersionMatch',
    });
  if (asked === '') throw forbiddenMatch('resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (match === 'Exact' && asked === '0')
    throw forbiddenMatch('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
}

function forbiddenMatch(why: string): ApiStatus {
  const message = `Forbidden: ${why}`;
  return invalidOptions('ListOptions', { reason: 'FieldValueForbidden', message, field: 'resourceVersionMatch' });
}

/** A client that was ahead of this server (another one, restored from a backup) hears so after the real server's wait. */
function tooLarge(asked: number, current: number): ApiStatus {
  return new ApiStatus(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  });
}

function makeToken(place: Place): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: place.revision, start: place.after })).toString(
    'base64url',
  );
}

function parseToken(token: string): Place {
  try {
    const { rv, start } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { rv: unknown; start: unknown };
    if (typeof rv === 'number' && typeof start === 'string') return { revision: rv, after: start };
  } catch {
    // answered below
  }
  throw badRequest('invalid continue token: continue key is not valid');
}
