import { countUnits } from '../api/lists.ts';
import type { AdminBackend, NodeStatus, NodeView, WorkerView } from '../views.ts';
import { counter, type Family, gauge } from './families.ts';
import { sourceFamilies } from './source-families.ts';

const severities = ['error', 'warning', 'info'] as const;
const states = ['starting', 'serving', 'draining'] as const satisfies readonly WorkerView['state'][];

/** The state of the appliance as a whole: version, configuration, problems, workers, certificates. */
export function applianceFamilies(backend: AdminBackend, programVersion: string): Family[] {
  const status = backend.status();
  const snapshot = backend.snapshot();
  const problems = backend.problems();
  const workers = backend.workers();
  const { version } = status;
  return [
    gauge('mesh_gateway_build_info', 'Always 1; the labels say which program runs.', [
      { labels: { version: programVersion, node_version: process.version }, value: 1 },
    ]),
    gauge('mesh_gateway_ready', '1 when the appliance is ready for traffic.', [{ value: status.ready ? 1 : 0 }]),
    gauge('mesh_gateway_served_snapshot_version', 'Snapshot version that all workers serve.', [
      { value: version.served },
    ]),
    gauge('mesh_gateway_published_snapshot_version', 'Newest snapshot version handed out.', [
      { value: version.published },
    ]),
    gauge(
      'mesh_gateway_last_publish_timestamp_seconds',
      'When the newest snapshot was handed out.',
      version.publishedAt === undefined ? [] : [{ value: version.publishedAt / 1_000 }],
    ),
    gauge('mesh_gateway_source_objects', 'Objects accepted from the source.', [{ value: status.source.objects }]),
    gauge('mesh_gateway_source_held', '1 while a sudden emptiness of the source is held and not obeyed.', [
      { value: status.source.held === undefined ? 0 : 1 },
    ]),
    ...sourceFamilies(status.source, Date.now()),
    gauge(
      'mesh_gateway_snapshot_units',
      'Units of the served snapshot.',
      Object.entries(countUnits(snapshot)).map(([kind, value]) => ({ labels: { kind }, value })),
    ),
    gauge(
      'mesh_gateway_problems',
      'Present problems.',
      severities.map((severity) => ({
        labels: { severity },
        value: problems.filter((problem) => problem.severity === severity).length,
      })),
    ),
    gauge(
      'mesh_gateway_workers',
      'Worker processes by state.',
      states.map((state) => ({ labels: { state }, value: workers.filter((worker) => worker.state === state).length })),
    ),
    counter(
      'mesh_gateway_worker_restarts_total',
      'How often the worker of this index was replaced.',
      [...newestByIndex(workers)].map(([index, { restarts }]) => ({
        labels: { worker: String(index) },
        value: restarts,
      })),
    ),
    ...nodeFamilies(backend.nodes()),
    ...statusFamilies(status.statusWriting),
    gauge(
      'mesh_gateway_certificate_expiry_timestamp_seconds',
      'When a certificate ends.',
      Object.values(snapshot?.certificates ?? {}).map(({ key, notAfter }) => ({
        labels: { certificate: key },
        value: notAfter / 1_000,
      })),
    ),
  ];
}

/** How the leader gets on with writing what became of the objects. */
function statusFamilies(writing: NodeStatus['statusWriting']): Family[] {
  if (writing === undefined) return [];
  return [
    gauge('mesh_gateway_status_waiting_objects', 'Objects that wait for their condition or events to be written.', [
      { value: writing.waiting },
    ]),
    counter('mesh_gateway_status_requests_total', 'Requests that read or wrote conditions and events.', [
      { labels: { outcome: 'answered' }, value: writing.answered },
      { labels: { outcome: 'failed' }, value: writing.failed },
    ]),
  ];
}

/** What each node knows of all of them; a scrape of any one is enough to see drift. */
function nodeFamilies(all: readonly NodeView[]): Family[] {
  // A label set may be printed only once, whatever nodes call themselves; the first is this one.
  const nodes = [...new Map([...all].reverse().map((node) => [node.node, node])).values()].reverse();
  return [
    gauge(
      'mesh_gateway_node_info',
      'Always 1; the labels say what an appliance of the cluster serves.',
      nodes.map(({ node, programVersion, snapshotHash }) => ({
        labels: { node, version: programVersion, snapshot: snapshotHash },
        value: 1,
      })),
    ),
    gauge(
      'mesh_gateway_node_drifted',
      '1 when an appliance has served something else than this one for too long.',
      nodes.map(({ node, state }) => ({ labels: { node }, value: state === 'drifted' ? 1 : 0 })),
    ),
    gauge(
      'mesh_gateway_node_last_seen_timestamp_seconds',
      'Last sign of life of an appliance of the cluster.',
      nodes.map(({ node, lastSeenAt }) => ({ labels: { node }, value: lastSeenAt / 1_000 })),
    ),
    gauge('mesh_gateway_leader', '1 when this appliance writes conditions and events onto the objects.', [
      { value: nodes.some(({ state, leader }) => state === 'here' && leader) ? 1 : 0 },
    ]),
  ];
}

/** While a worker is replaced, two of one index live for a moment; a label set may be printed only once. */
function newestByIndex(workers: readonly WorkerView[]): Map<number, WorkerView> {
  return new Map([...workers].sort((a, b) => a.startedAt - b.startedAt).map((worker) => [worker.index, worker]));
}
