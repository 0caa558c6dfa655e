import type { AdminBackend, NodeStatus, NodeView, ObjectView, ShiftRequest, WorkerView } from '#admin/views.ts';
import type { Shifter } from '../control/change/shift.ts';
import type { Controller } from '../control/controller.ts';
import { nearObject } from '../control/describe/near-object.ts';
import { describeObject } from '../control/describe/object-description.ts';
import type { Publisher } from '../control/publish/publisher.ts';
import type { ObjectStore } from '../control/source/object-store.ts';
import { CLUSTER_FILE, type ObjectSource } from '../control/source/source.ts';
import type { ObjectRef } from '../snapshot/problem.ts';
import { roleStatistics } from '../telemetry/process-statistics.ts';
import type { SupervisorPort } from './supervisor-port.ts';

export type BackendParts = {
  readonly node: string;
  readonly startedAt: number;
  readonly controller: Controller;
  readonly publisher: Publisher;
  readonly source: ObjectSource;
  readonly store: ObjectStore;
  readonly shifter: Shifter;
  readonly supervisor: SupervisorPort;
  readonly workers: () => readonly WorkerView[];
  readonly nodes: () => readonly NodeView[];
  /** Name of the node that leads, as far as is known. */
  readonly leader: () => string | undefined;
  /** How writing conditions and events goes; undefined without a cluster. */
  readonly statusFigures: () => NodeStatus['statusWriting'];
};

/** What the admin API sees of control. */
export function createBackend(parts: BackendParts): AdminBackend {
  const { controller, publisher, shifter, supervisor, workers, nodes } = parts;
  return {
    status: () => nodeStatus(parts),
    snapshot: () => publisher.served,
    problems: () => controller.problems,
    workers,
    nodes,
    object: (ref) => objectView(ref, parts),
    nearObject: (ref) => nearObject(ref, parts.store.all()),
    traffic: (namespace, virtualService) => shifter.traffic(namespace, virtualService),
    shift: ({ actor, ...request }: ShiftRequest) => {
      const { via, address } = actor;
      return shifter.shift({ ...request, actor: { via, ...(address !== undefined && { address }) } });
    },
    collect: async () => {
      const own = { role: 'control', pid: process.pid, statistics: roleStatistics('control') } as const;
      return { processes: [...(await supervisor.collect()), own] };
    },
  };
}

function objectView(ref: ObjectRef, { controller, publisher, source, store }: BackendParts): ObjectView | undefined {
  const found = describeObject(ref, {
    objects: store,
    quarantinedSince: (key) => controller.quarantinedSince(key),
    snapshot: publisher.served,
  });
  if (found?.position.file.startsWith(CLUSTER_FILE) !== true) return found;
  const syncedAt = source.status().kinds?.find(({ kind }) => kind === ref.kind)?.lastSyncAt;
  return { ...found, ...(syncedAt !== undefined && { syncedAt }) };
}

function nodeStatus(parts: BackendParts): NodeStatus {
  const { publisher, source, store, node, startedAt } = parts;
  const reasons = reasonsAgainst(parts);
  const { version: published, publishedAt } = publisher.newest;
  const leader = parts.leader();
  const statusWriting = parts.statusFigures();
  return {
    node,
    ...(statusWriting !== undefined && { statusWriting }),
    ...(leader !== undefined && { leader }),
    ready: reasons.length === 0,
    reasons,
    startedAt,
    version: { served: publisher.served?.version ?? 0, published, ...(publishedAt !== undefined && { publishedAt }) },
    source: { ...source.status(), objects: store.size },
  };
}

/** Why this node should get no traffic, as control sees it; workers answer health checks themselves. */
function reasonsAgainst({ publisher, source, workers }: BackendParts): string[] {
  const reasons: string[] = [];
  // A last good snapshot serves as well as a new one.
  if (!source.synced && publisher.served === undefined)
    reasons.push(`The source ${source.status().location} has not been read yet.`);
  if (publisher.served === undefined) reasons.push('No snapshot has been served yet.');
  if (!workers().some((worker) => worker.state === 'serving' && worker.version > 0))
    reasons.push('No worker serves traffic.');
  return reasons;
}
