import type { NodeView } from '#admin/views.ts';
import type { Settings } from '#config/settings.ts';
import type { Controller } from '../control/controller.ts';
import { Election } from '../control/leader/election.ts';
import { electionProblem } from '../control/leader/election-problem.ts';
import { Leases } from '../control/leader/leases.ts';
import type { Term } from '../control/leader/term.ts';
import type { NodeRecord } from '../control/nodes/node-record.ts';
import { Nodes } from '../control/nodes/nodes.ts';
import type { ResourceKey } from '../control/resource/resource.ts';
import type { ObjectStore } from '../control/source/object-store.ts';
import type { SourceEvent } from '../control/source/source.ts';
import { type StatusFigures, StatusWriter } from '../control/status/status-writer.ts';
import type { Problem } from '../snapshot/problem.ts';
import { pause } from '../support/pause.ts';
import { realTimers } from '../support/timers.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Cluster } from './object-source.ts';

/** After a defect of ours. */
const AGAIN_MS = 30_000;

export type TogetherParts = {
  readonly settings: Settings;
  readonly cluster: Cluster;
  readonly store: ObjectStore;
  readonly controller: Controller;
  /** What this node tells of itself. */
  readonly own: () => NodeRecord;
  readonly report: (from: string, problems: readonly Problem[]) => void;
  readonly log: Logger;
};

/** What the appliances of one cluster do together: they know each other, and one of them writes what must be written once. */
export class Together {
  readonly #nodes: Nodes;
  readonly #election: Election;
  readonly #writer: StatusWriter;

  constructor(parts: TogetherParts) {
    const { settings, cluster, own, report, log } = parts;
    const { client: api, discovery } = cluster;
    const { node, namespace } = settings;
    const leases = new Leases({ api, discovery, namespace });
    this.#nodes = new Nodes({ leases, own, onProblems: (problems) => report('nodes', problems) });
    this.#writer = createWriter(parts);
    let wasLeader = false;
    this.#election = new Election({
      leases,
      name: 'mesh-gateway',
      labels: { 'app.kubernetes.io/name': 'mesh-gateway', 'app.kubernetes.io/component': 'leader' },
      node,
      work: (term) => this.#work(term, log),
      onChange: () => {
        const { isLeader, trouble } = this.#election;
        const problem = electionProblem(trouble, namespace);
        report('leader', problem === undefined ? [] : [problem]);
        if (isLeader !== wasLeader) log.info({ namespace }, isLeader ? 'this node leads' : 'this node leads no more');
        wasLeader = isLeader;
      },
      onDefect: (error) => log.error({ error }, 'the work of a leader has ended'),
    });
  }

  /** A defect ends neither the term nor the work: it begins again with what is in the cluster. */
  async #work(term: Term, log: Logger): Promise<void> {
    while (term.isHeld()) {
      try {
        await this.#writer.work(term);
      } catch (error) {
        log.error(
          { error },
          `conditions and events could not be written; they are tried again in ${AGAIN_MS / 1000} seconds`,
        );
      }
      await pause(realTimers, AGAIN_MS, term.signal);
    }
  }

  start(): void {
    this.#nodes.start();
    this.#election.start();
  }

  /** Gives everything back, so that the others need not wait. */
  async stop(): Promise<void> {
    await Promise.all([this.#election.stop(), this.#nodes.stop()]);
  }

  /** The source has told of an object. */
  changed(event: SourceEvent): void {
    const key = keyOf(event);
    if (key !== undefined) this.#writer.changed(key);
  }

  /** Name of the node that leads, as far as is known. */
  get leader(): string | undefined {
    return this.#election.leader;
  }

  /** How writing conditions and events goes. */
  get statusFigures(): StatusFigures {
    return this.#writer.figures;
  }

  nodes(): readonly NodeView[] {
    const { leader } = this.#election;
    return this.#nodes.list().map((node) => ({ ...node, leader: node.node === leader }));
  }
}

function createWriter({ settings, cluster, store, controller, report }: TogetherParts): StatusWriter {
  const { source, node } = settings;
  return new StatusWriter({
    api: cluster.client,
    discovery: cluster.discovery,
    namespaces: source.kind === 'kubernetes' ? source.namespaces : [],
    objects: store,
    problems: () => controller.problems,
    isQuarantined: (key) => controller.isQuarantined(key),
    rounds: () => controller.rounds,
    isNewest: (key, object) => cluster.read(object)?.fingerprint === store.get(key)?.newest?.fingerprint,
    node,
    onProblems: (problems) => report('status', problems),
  });
}

function keyOf(event: SourceEvent): ResourceKey | undefined {
  if (event.type === 'upsert') return event.object.key;
  return event.type === 'remove' ? event.key : undefined;
}
