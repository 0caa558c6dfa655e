import type { StatusItem } from '../api/schemas.ts';

/** The status as lines of `name: value`, not ready and problems first to be seen. */
export function formatStatus(body: unknown): string {
  const status = body as StatusItem;
  const { counts, problems, workers, version, source } = status;
  const lines: readonly (readonly [string, string])[] = [
    ['ready', status.ready ? 'yes' : `no: ${status.reasons.join('; ')}`],
    ['node', status.node],
    ['program', `mesh-gateway ${status.programVersion}, Node.js ${status.nodeVersion}`],
    ['running since', status.startedAt],
    [
      'version',
      `${version.served} served${version.published === version.served ? '' : `, ${version.published} published`}`,
    ],
    ['source', `${source.kind} ${source.location}, ${source.objects} objects${source.synced ? '' : ', not read yet'}`],
    ...(source.held === undefined ? [] : [['held', source.held] as const]),
    ['workers', `${workers.serving} of ${workers.total} serving, ${workers.connections} connections`],
    ['problems', `${problems.error} errors, ${problems.warning} warnings, ${problems.info} infos`],
    [
      'serving',
      `${counts.listeners} listeners, ${counts.virtualHosts} hosts, ${counts.routes} routes, ${counts.clusters} clusters, ${counts.endpoints} endpoints, ${counts.certificates} certificates`,
    ],
  ];
  return lines.map(([name, value]) => `${`${name}:`.padEnd(15)}${value}\n`).join('');
}
