import type { KindStatus, SourceStatus } from '../control/source/source.ts';

/** The source in one sentence for health checks: in sync, or since when not, what is served meanwhile and how old that is. */
export function describeSource(
  { kind, location, synced, trouble, kinds = [] }: SourceStatus,
  { version, publishedAt }: { readonly version: number; readonly publishedAt: number | undefined },
): string {
  if (synced && trouble === undefined) return `${kind} ${location}, in sync`;
  const age = publishedAt === undefined ? '' : `, of ${new Date(publishedAt).toISOString()},`;
  const meanwhile = version === 0 ? 'nothing is served yet' : `version ${version}${age} is served`;
  const state = trouble === undefined ? 'not read yet' : `not in sync${since(kinds)}`;
  return `${kind} ${location}, ${state}; ${meanwhile}. ${trouble ?? ''}`.trimEnd();
}

/** Since the kind that has been unknown for longest; nothing is known of it in an outage at a start. */
function since(kinds: readonly KindStatus[]): string {
  const unsettled = kinds.filter(({ state }) => state !== 'watching' && state !== 'absent');
  const times = unsettled.flatMap(({ lastSyncAt }) => lastSyncAt ?? []);
  return times.length === 0 ? '' : ` since ${new Date(Math.min(...times)).toISOString()}`;
}
