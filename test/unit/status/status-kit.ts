import type { TestContext } from 'node:test';
import { Discovery } from '#gateway/control/kubernetes/discovery.ts';
import { Election } from '#gateway/control/leader/election.ts';
import { Leases } from '#gateway/control/leader/leases.ts';
import { StatusWriter } from '#gateway/control/status/status-writer.ts';
import type { Problem } from '#gateway/snapshot/problem.ts';
import type { ApiServer } from '../../kit/api-server/api-server.ts';
import type { KubeObject } from '../../kit/api-server/kube-object.ts';
import { fastTimers } from '../../kit/fast-timers.ts';
import { ClusterRoad, clientOf, versionOf } from '../change/cluster-kit.ts';

type NodeOptions = {
  readonly node?: string;
  readonly factor?: number;
  readonly user?: string;
  readonly door?: number /** Of the cluster, when it begins to lead. */;
  readonly knows?: 'all' | 'part';
};

/** A node that judges what it sees of the cluster, and writes what became of it while it leads. */
export class JudgingNode {
  readonly road: ClusterRoad;
  readonly election: Election;
  readonly writer: StatusWriter;
  problems: readonly Problem[] = [];

  private constructor(road: ClusterRoad, election: Election, writer: StatusWriter) {
    this.road = road;
    this.election = election;
    this.writer = writer;
  }

  static async start(
    context: TestContext,
    server: ApiServer,
    { node = 'edge-1', factor = 20, user = 'admin', door = 0, knows = 'all' }: NodeOptions = {},
  ): Promise<JudgingNode> {
    const api = clientOf(context, server, { user, url: server.urls[door] ?? '' });
    const discovery = new Discovery(api, ['coordination.k8s.io', 'networking.istio.io', 'security.istio.io']);
    await discovery.refresh();
    const road = new ClusterRoad(context, server, api, node);
    road.look(knows);
    await road.controller.settled();
    const timers = fastTimers(factor);
    const writer = new StatusWriter({
      api,
      discovery,
      namespaces: [],
      objects: road.store,
      problems: () => road.controller.problems,
      isQuarantined: (key) => road.controller.isQuarantined(key),
      rounds: () => road.controller.rounds,
      isNewest: (key, object) =>
        versionOf(object as KubeObject).fingerprint === road.store.get(key)?.newest?.fingerprint,
      node,
      onProblems: (problems) => {
        self.problems = problems;
      },
      timers,
    });
    const election = new Election({
      leases: new Leases({ api, discovery, namespace: 'istio-system' }),
      name: 'mesh-gateway',
      labels: {},
      node,
      work: (term) => writer.work(term),
      onDefect: (error) => {
        throw error;
      },
      timers,
    });
    const self = new JudgingNode(road, election, writer);
    road.onObject = (key) => writer.changed(key);
    election.start();
    context.after(() => election.stop());
    return self;
  }
}

/** Our condition on an object of the server. */
export function conditionOf(
  server: ApiServer,
  kind: string,
  name: string,
  group = 'networking.istio.io',
): Record<string, unknown> | undefined {
  const object = server.object({
    apiVersion: `${group}/v1`,
    kind,
    metadata: { namespace: 'default', name },
  });
  const { conditions = [] } = (object?.['status'] ?? {}) as { conditions?: Record<string, unknown>[] };
  return conditions.find(({ type }) => type === 'mesh-gateway/Accepted');
}

export type EventObject = KubeObject & {
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly type: string;
  readonly involvedObject: { readonly kind: string; readonly name: string; readonly uid: string };
};

export function eventsOf(server: ApiServer): EventObject[] {
  return server.objects('events') as EventObject[];
}

/** How often the status of something was written. */
export function statusWrites(server: ApiServer): number {
  return server.audit.entries({ verb: 'patch', subresource: 'status', code: 200 }).length;
}
