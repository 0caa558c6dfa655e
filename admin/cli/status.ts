import type { StatusItem } from '../api/schemas.ts';
import { plural } from './plural.ts';

const nouns: Readonly<Record<string, string>> = {
  listeners: 'listener',
  virtualHosts: 'host',
  routes: 'route',
  clusters: 'cluster',
  endpoints: 'endpoint',
  certificates: 'certificate',
};

/** The status as lines of `name: value`, not ready and problems first to be seen. */
export function formatStatus(body: unknown): string {
  const status = body as StatusItem;
  const { counts, problems, workers, version, source } = status;
  const lines: readonly (readonly [string, string])[] = [
    ['ready', status.ready ? 'yes' : `no: ${status.reasons.join('; ')}`],
    ['node', status.node],
    ...(source.kind === 'kubernetes' ? [['leader', leaderOf(status)] as const] : []),
    ['program', `mesh-gateway ${status.programVersion}, Node.js ${status.nodeVersion}`],
    ['running since', status.startedAt],
    [
      'version',
      `${version.served} served${version.published === version.served ? '' : `, ${version.published} published`}${version.publishedAt === undefined ? '' : `, of ${version.publishedAt}`}`,
    ],
    [
      'source',
      `${source.kind} ${source.location}, ${plural(source.objects, 'object')}${source.synced ? '' : ', not read yet'}`,
    ],
    ...(source.server === undefined ? [] : [['last answer', lastAnswer(source)] as const]),
    ...(source.held === undefined ? [] : [['held', source.held] as const]),
    ...(source.trouble === undefined ? [] : [['trouble', source.trouble] as const]),
    ...unsettled(source.kinds ?? []).map((line) => ['kinds', line] as const),
    ['workers', `${workers.serving} of ${workers.total} serving, ${plural(workers.connections, 'connection')}`],
    [
      'problems',
      Object.entries(problems)
        .map(([severity, n]) => plural(n, severity))
        .join(', '),
    ],
    [
      'serving',
      Object.entries(counts)
        .map(([name, n]) => plural(n, nouns[name] ?? name))
        .join(', '),
    ],
  ];
  return lines.map(([name, value]) => `${`${name}:`.padEnd(15)}${value}\n`).join('');
}

function leaderOf({ leader, node }: StatusItem): string {
  if (leader === undefined) return 'none is known';
  return leader === node ? 'this node' : leader;
}

function lastAnswer({ server = '', lastAnswerAt }: StatusItem['source']): string {
  return `${lastAnswerAt ?? 'never'}, from ${server}`;
}

/** Kinds of a cluster that are not watched as they should be, those that fare alike together. */
function unsettled(kinds: NonNullable<StatusItem['source']['kinds']>): string[] {
  const open = kinds.filter(({ state }) => state !== 'watching' && state !== 'absent');
  const alike = Map.groupBy(
    open,
    ({ state, lastSyncAt }) => `${state}, in sync: ${lastSyncAt?.slice(0, 19) ?? 'never'}`,
  );
  return [...alike].map(
    ([how, some]) => `${how}: ${some.map(({ kind, objects }) => `${kind} (${objects})`).join(', ')}`,
  );
}
