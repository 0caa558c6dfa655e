import type { SourceStatus } from '../control/source/source.ts';

/** The source in one sentence for health checks: in sync, or what is served meanwhile and how old it is. */
export function describeSource(
  { kind, location, synced, trouble }: SourceStatus,
  { version, publishedAt }: { readonly version: number; readonly publishedAt: number | undefined },
): string {
  if (synced && trouble === undefined) return `${kind} ${location}, in sync`;
  const age = publishedAt === undefined ? '' : `, of ${new Date(publishedAt).toISOString()},`;
  const meanwhile = version === 0 ? 'nothing is served yet' : `version ${version}${age} is served`;
  return `${kind} ${location}, ${trouble === undefined ? 'not read yet' : 'not in sync'}; ${meanwhile}. ${trouble ?? ''}`.trimEnd();
}
