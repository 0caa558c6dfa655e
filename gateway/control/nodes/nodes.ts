// Promises: every appliance of the cluster knows the others, what they serve, and which of them serves something else.
// Never: opens a way of its own between nodes: each writes its Lease, and reads those of the others.
// Called by: roles/control.ts where objects come from a cluster; the admin API shows what is known.
import { randomBytes } from 'node:crypto';
import type { Problem } from '../../snapshot/problem.ts';
import { pause } from '../../support/pause.ts';
import { realTimers, type Timers } from '../../support/timers.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import { type Lease, microTime } from '../leader/lease.ts';
import { type Leases, NoLeases } from '../leader/leases.ts';
import { NODE_LABELS, NODE_SELECTOR, type NodeRecord, nodeLeaseName, toAnnotations } from './node-record.ts';
import { type NodeState, SILENT_MS, Sightings } from './sightings.ts';

/** Between two signs of life. */
export const BEAT_MS = 10_000;
/** After one that did not get through. */
const RETRY_MS = 2_000;
const JITTER = 0.1;
const REQUEST_MS = 5_000;
/** The supervisor does not wait long at a stop. */
const GOODBYE_MS = 1_000;

/** A node as people see it. */
export type NodeView = NodeRecord & {
  readonly state: NodeState | 'here';
  /** Milliseconds since the epoch. */
  readonly lastSeenAt: number;
};

export type NodesOptions = {
  readonly leases: Pick<Leases, 'namespace' | 'get' | 'list' | 'create' | 'update'>;
  /** This node, as it is now; asked at every beat and whenever people look. */
  readonly own: () => NodeRecord;
  readonly onProblems: (problems: readonly Problem[]) => void;
  readonly timers?: Timers;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  readonly random?: () => number;
};

export class Nodes {
  readonly #options: NodesOptions;
  readonly #timers: Timers;
  readonly #clock: () => number;
  readonly #sightings = new Sightings();
  readonly #stop = new AbortController();
  /** Tells this process from another that has the same name. */
  readonly #identity: string;
  #lease: Lease | undefined;
  #namesake: string | undefined;
  #refusal: string | undefined;
  #running: Promise<void> | undefined;

  constructor(options: NodesOptions) {
    this.#options = options;
    this.#timers = options.timers ?? realTimers;
    this.#clock = options.clock ?? Date.now;
    this.#identity = `${options.own().node}_${randomBytes(4).toString('hex')}`;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Says goodbye, so that this node is not taken for a silent one. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    if (this.#lease?.holder === this.#identity) await this.#quietly(() => this.#write(undefined));
  }

  /** This node first, then the others by name. */
  list(): readonly NodeView[] {
    const own = this.#options.own();
    const others = this.#sightings
      .others(nodeLeaseName(own.node), own, this.#now())
      .map(({ record, state, lastSeenAt }) => ({ ...record, state, lastSeenAt }))
      .sort((a, b) => (a.node < b.node ? -1 : 1));
    return [{ ...own, state: 'here', lastSeenAt: this.#clock() }, ...others];
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const isHeard = await this.#beat();
      this.#options.onProblems(this.#problems());
      const wait = isHeard ? BEAT_MS : RETRY_MS;
      await pause(this.#timers, wait * (1 + JITTER * (this.#options.random ?? Math.random)()), this.#stop.signal);
    }
  }

  #beat(): Promise<boolean> {
    return this.#quietly(async () => {
      await this.#write(this.#identity);
      const found = await this.#options.leases.list(NODE_SELECTOR, this.#call());
      this.#sightings.update(found, this.#options.own(), this.#now());
      this.#refusal = undefined;
    });
  }

  /** Writes our Lease; an answer that was lost, or another with our name, is found by reading it again. */
  async #write(holder: string | undefined): Promise<void> {
    const { leases } = this.#options;
    const name = nodeLeaseName(this.#options.own().node);
    const options = holder === undefined ? { timeoutMs: GOODBYE_MS } : this.#call();
    this.#lease ??= await leases.get(name, options);
    try {
      this.#lease = await this.#put(this.#fresh(name, holder, this.#lease), options);
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 409 && error.status !== 404)) throw error;
      const found = await leases.get(name, options);
      this.#namesake = found?.holder === this.#identity ? undefined : found?.holder;
      this.#lease = await this.#put(this.#fresh(name, holder, found), options);
      return;
    }
    this.#namesake = undefined;
  }

  #put(lease: Lease, options: { timeoutMs: number; signal?: AbortSignal }): Promise<Lease> {
    const { leases } = this.#options;
    return lease.resourceVersion === undefined ? leases.create(lease, options) : leases.update(lease, options);
  }

  #fresh(name: string, holder: string | undefined, old: Lease | undefined): Lease {
    const now = microTime(this.#clock());
    return {
      name,
      ...(old?.resourceVersion !== undefined && { resourceVersion: old.resourceVersion }),
      labels: { ...old?.labels, ...NODE_LABELS },
      annotations: { ...old?.annotations, ...toAnnotations(this.#options.own()) },
      ...(holder !== undefined && { holder }),
      durationSeconds: SILENT_MS / 1000,
      acquiredAt: old?.holder === this.#identity ? (old.acquiredAt ?? now) : now,
      renewedAt: now,
      transitions: old?.transitions ?? 0,
    };
  }

  /** False when it did not get through. An API server that does not answer is told of by the source. */
  async #quietly(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      if (error instanceof NoLeases) return true;
      if (!(error instanceof ApiError)) throw error;
      if (error.status !== 403 && error.status !== 404) return false;
      this.#refusal = error.message;
      return true;
    }
  }

  #problems(): Problem[] {
    const { namespace } = this.#options.leases;
    const drifted = this.list().filter(({ state }) => state === 'drifted');
    return [
      ...drifted.map(({ node }) => drift(node)),
      ...(this.#refusal === undefined ? [] : [refused(namespace, this.#refusal)]),
      ...(this.#namesake === undefined ? [] : [sameName(this.#options.own().node)]),
    ];
  }

  #call(): { timeoutMs: number; signal: AbortSignal } {
    return { timeoutMs: REQUEST_MS, signal: this.#stop.signal };
  }

  #now(): { monotonic: number; wall: number } {
    return { monotonic: this.#timers.now(), wall: this.#clock() };
  }
}

function drift(node: string): Problem {
  return {
    severity: 'warning',
    code: 'MG1404',
    message: `Node ${node} has served something else than this node for more than a minute, with the same settings and the same program. \`mesh-gateway get nodes\` shows both; \`mesh-gateway get problems\` on each tells which of them cannot follow, and why.`,
  };
}

function refused(namespace: string, message: string): Problem {
  return {
    severity: 'warning',
    code: 'MG1405',
    message: `The API server does not let this node write its Lease in namespace ${namespace}, or read those of the others: ${message.replace(/\.$/, '')}. Traffic is not affected, but drift between nodes is not seen. Apply config/cluster, which has the rights.`,
  };
}

function sameName(node: string): Problem {
  return {
    severity: 'warning',
    code: 'MG1406',
    message: `Another appliance calls itself ${node}, too: the list of nodes shows only one of them. Give each its own name under node: in the settings.`,
  };
}
