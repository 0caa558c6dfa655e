import { Child } from './child.ts';
import type { ListeningSocket } from './listening-socket.ts';
import type { FromWorker, Manifest, SocketPurpose, ToWorker, WorkerStatus } from './messages.ts';
import type { Publication, Subscriber } from './publication.ts';
import { RestartBackoff } from './restart-backoff.ts';
import { type SocketSet, trafficSocket } from './socket-set.ts';

export type WorkerPoolOptions = {
  readonly count: number;
  readonly spawn: (callbacks: {
    onMessage: (message: FromWorker) => void;
    onExit: (how: { code: number | null; signal: string | null }) => void;
  }) => Child<ToWorker, FromWorker>;
  readonly initMessage: (index: number, manifest: Manifest | null) => ToWorker;
  readonly sockets: SocketSet;
  readonly healthSocket: () => ListeningSocket | undefined;
  readonly publication: () => Publication;
  /** States, versions or counts changed in a way that others want to know. */
  readonly onChange: () => void;
  readonly onCollected: (index: number, message: Extract<FromWorker, { type: 'collected' }>) => void;
  /** A worker cannot load the newest version: it is to be published anew. */
  readonly onUnloadable: () => void;
  readonly onAllGone: () => void;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
};

/** One worker process as the supervisor knows it. */
class Worker implements Subscriber {
  readonly index: number;
  readonly child: Child<ToWorker, FromWorker>;
  readonly restarts: number;
  state: WorkerStatus['state'] = 'starting';
  version = 0;
  connections = 0;
  /** Sockets are handed to it. */
  listens = false;
  /** It has them all. */
  open = false;

  constructor(index: number, restarts: number, child: Child<ToWorker, FromWorker>) {
    this.index = index;
    this.restarts = restarts;
    this.child = child;
  }

  get pid(): number {
    return this.child.pid;
  }

  send(message: ToWorker): void {
    this.child.send(message);
  }
}

/**
 * Keeps N workers alive and fed: forks them, replaces the dead and the silent, hands them copies of the listening
 * sockets once they serve the newest snapshot, and tells each how loaded the others are. Never touches traffic.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Map<number, Worker>();
  readonly #backoff = new RestartBackoff();
  readonly #restartTimers = new Set<NodeJS.Timeout>();
  #stopping = false;
  #pingId = 0;
  #loadRelay: NodeJS.Immediate | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  start(): void {
    for (let index = 0; index < this.#options.count; index += 1) this.#start(index, 0);
  }

  /** Workers that take part in publications: those that finished loading. */
  subscribers(): Worker[] {
    return [...this.#workers.values()].filter((worker) => worker.state === 'serving');
  }

  statuses(): WorkerStatus[] {
    return [...this.#workers.values()].map((worker) => ({
      index: worker.index,
      pid: worker.pid,
      state: worker.state,
      version: worker.version,
      connections: worker.connections,
      startedAt: worker.child.startedAt,
      restarts: worker.restarts,
    }));
  }

  /** Workers that take connections on every port. */
  get openWorkers(): number {
    return [...this.#workers.values()].filter((worker) => worker.open).length;
  }

  isLooping(): boolean {
    return this.#backoff.isLooping(performance.now());
  }

  /**
   * Asks every worker for a sign of life and kills those that gave none for `silentMs`; called every second. One that has
   * not said yet that it is ready has `startMs`: on a machine without a free core it may take long to load, and its
   * replacement would take as long.
   */
  heartbeat({ silentMs, startMs }: { readonly silentMs: number; readonly startMs: number }): void {
    this.#pingId += 1;
    const now = performance.now();
    for (const worker of this.#workers.values()) {
      if (now - worker.child.lastHeard > (worker.state === 'starting' ? startMs : silentMs)) {
        this.#options.log('error', 'a worker gave no sign of life and is replaced', {
          worker: worker.index,
          pid: worker.pid,
        });
        worker.child.kill('SIGKILL');
      } else worker.send({ type: 'ping', id: this.#pingId });
    }
  }

  /** Sockets were opened or closed: every listening worker follows. */
  socketsChanged(changed: { readonly opened: readonly number[]; readonly closed: readonly number[] }): void {
    for (const worker of this.#workers.values()) {
      for (const port of changed.closed) worker.send({ type: 'unlisten', socket: trafficSocket(port) });
      if (worker.listens) for (const port of changed.opened) this.#giveSocket(worker, trafficSocket(port));
    }
  }

  /** The health port could be opened at last. */
  healthOpened(): void {
    for (const worker of this.#workers.values()) this.#giveHealthSocket(worker);
  }

  broadcast(message: ToWorker): void {
    for (const worker of this.#workers.values()) worker.send(message);
  }

  /** Workers that `collect` was sent to, by index. */
  collect(id: number, fileOf: (worker: { index: number; pid: number }) => string): number[] {
    const asked = this.subscribers();
    for (const worker of asked) worker.send({ type: 'collect', id, file: fileOf(worker) });
    return asked.map((worker) => worker.index);
  }

  drain(): void {
    this.#stopping = true;
    for (const timer of this.#restartTimers) clearTimeout(timer);
    for (const worker of this.#workers.values()) {
      worker.state = 'draining';
      worker.send({ type: 'drain' });
    }
    if (this.#workers.size === 0) this.#options.onAllGone();
  }

  killAll(): void {
    this.#stopping = true;
    for (const worker of this.#workers.values()) worker.child.kill('SIGKILL');
  }

  #start(index: number, restarts: number): void {
    const child = this.#options.spawn({
      onMessage: (message) => this.#onMessage(worker, message),
      onExit: (how) => this.#onExit(worker, how),
    });
    const worker = new Worker(index, restarts, child);
    this.#workers.set(index, worker);
    worker.send(this.#options.initMessage(index, this.#options.publication().manifest));
    this.#giveHealthSocket(worker);
  }

  #giveHealthSocket(worker: Worker): void {
    const open = this.#options.healthSocket();
    if (open !== undefined) worker.child.send({ type: 'listen', socket: { kind: 'health' } }, open);
  }

  #onMessage(worker: Worker, message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        worker.version = message.version;
        if (worker.state === 'starting') worker.state = 'serving';
        this.#options.publication().joined(worker);
        this.#openIfCurrent(worker);
        this.#options.onChange();
        break;
      case 'unloadable':
        if (this.#options.publication().unloadable(worker, message.version)) this.#options.onUnloadable();
        break;
      case 'prepared':
      case 'refused':
      case 'applied':
        this.#options.publication().heard(worker, message);
        this.#openIfCurrent(worker);
        this.#options.onChange();
        break;
      case 'load':
        worker.connections = message.connections;
        this.#relayLoad();
        break;
      case 'want-listen':
        if (worker.listens) this.#giveSocket(worker, trafficSocket(message.nodePort), message.copies);
        break;
      case 'collected':
        this.#options.onCollected(worker.index, message);
        break;
      case 'drained':
        worker.state = 'draining';
        break;
      case 'listening':
        worker.open = true;
        this.#options.onChange();
        break;
      case 'pong':
        break;
    }
  }

  /** A worker takes connections only once it serves the newest version: a fresh one must not answer from yesterday's routes. */
  #openIfCurrent(worker: Worker): void {
    if (worker.listens || worker.state !== 'serving' || worker.version === 0) return;
    if (worker.version < (this.#options.publication().manifest?.version ?? 0)) return;
    worker.listens = true;
    worker.send({ type: 'ports', nodePorts: this.#options.sockets.ports });
    for (const port of this.#options.sockets.ports) this.#giveSocket(worker, trafficSocket(port));
  }

  #giveSocket(worker: Worker, socket: Extract<SocketPurpose, { kind: 'traffic' }>, copies = 1): void {
    const open = this.#options.sockets.get(socket.nodePort);
    if (open === undefined) return;
    for (let copy = 0; copy < copies; copy += 1) worker.child.send({ type: 'listen', socket }, open);
  }

  /** At most one relay a loop turn: a burst of reports is one message to each. */
  #relayLoad(): void {
    if (this.#loadRelay !== undefined) return;
    this.#loadRelay = setImmediate(() => {
      this.#loadRelay = undefined;
      const connections = Object.fromEntries(
        [...this.#workers.values()]
          .filter((worker) => worker.listens)
          .map((worker) => [worker.index, worker.connections]),
      );
      this.broadcast({ type: 'load', connections });
    });
  }

  #onExit(worker: Worker, how: { code: number | null; signal: string | null }): void {
    if (this.#workers.get(worker.index) !== worker) return;
    this.#workers.delete(worker.index);
    this.#options.publication().left(worker.pid);
    if (this.#stopping) {
      if (this.#workers.size === 0) this.#options.onAllGone();
      return;
    }
    const { delayMs, looping } = this.#backoff.died(performance.now());
    this.#options.log('error', 'a worker ended and is replaced', {
      worker: worker.index,
      pid: worker.pid,
      ...how,
      delayMs,
      looping,
    });
    const timer = setTimeout(() => {
      this.#restartTimers.delete(timer);
      this.#start(worker.index, worker.restarts + 1);
    }, delayMs);
    this.#restartTimers.add(timer);
    this.#relayLoad();
    this.#options.onChange();
  }
}
