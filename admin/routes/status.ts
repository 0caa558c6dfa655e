import type { FastifyInstance } from 'fastify';
import { countUnits, isoTime, kindItem } from '../api/lists.ts';
import { type StatusItem, statusSchema } from '../api/schemas.ts';
import type { AdminBackend, NodeStatus } from '../views.ts';

/** The node on one page: ready or why not, versions, counts. */
export function registerStatus(app: FastifyInstance, backend: AdminBackend, programVersion: string): void {
  app.get('/api/v1/status', { schema: { summary: 'State of this node', response: { 200: statusSchema } } }, () =>
    statusItem(backend, programVersion),
  );
}

function statusItem(backend: AdminBackend, programVersion: string): StatusItem {
  const status = backend.status();
  const { publishedAt, ...version } = status.version;
  const { source } = status;
  const workers = backend.workers();
  const problems = { error: 0, warning: 0, info: 0 };
  for (const { severity } of backend.problems()) problems[severity] += 1;
  return {
    name: 'mesh-gateway',
    programVersion,
    nodeVersion: process.version,
    node: status.node,
    ...(status.leader !== undefined && { leader: status.leader }),
    ready: status.ready,
    reasons: [...status.reasons],
    startedAt: isoTime(status.startedAt),
    version: {
      served: version.served,
      published: version.published,
      ...(publishedAt === undefined ? {} : { publishedAt: isoTime(publishedAt) }),
    },
    source: sourceItem(source),
    counts: countUnits(backend.snapshot()),
    problems,
    workers: {
      total: workers.length,
      serving: workers.filter(({ state }) => state === 'serving').length,
      connections: workers.reduce((sum, { connections }) => sum + connections, 0),
    },
  };
}

function sourceItem({ lastAnswerAt, kinds, ...source }: NodeStatus['source']): StatusItem['source'] {
  return {
    ...source,
    ...(lastAnswerAt !== undefined && { lastAnswerAt: isoTime(lastAnswerAt) }),
    ...(kinds !== undefined && { kinds: kinds.map(kindItem) }),
  };
}
