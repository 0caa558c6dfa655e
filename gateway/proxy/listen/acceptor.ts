/**
 * Accepts connections from the shared queues for one worker.
 * It promises to lose nothing that waits: closing its copies of a socket leaves the queue to the other workers.
 * It never reads a byte of a connection. Called by the worker role, which hands the sockets to the proxy.
 */
import net from 'node:net';
import { performance } from 'node:perf_hooks';
import { AcceptWidth, type LoopActivity } from './accept-width.ts';
import { ConnectionShare } from './share.ts';

export type AcceptorOptions = {
  /** Explicit at every `listen`: without it Node resets the queue of an inherited socket to 511. */
  readonly backlog: number;
  /** Connections this worker holds at once; beyond it the queue is left alone. */
  readonly maxConnections: number;
  /** Live connections of this worker. */
  readonly connections: () => number;
  readonly onConnection: (socket: net.Socket, nodePort: number) => void;
  /** Asks the supervisor for so many copies of a socket. */
  readonly requestSocket: (nodePort: number, copies: number) => void;
  /** A copy could not be listened on. */
  readonly onError: (error: Error, nodePort: number) => void;
};

/** The longest a worker leaves the queue to others without hearing that they take from it. */
const LONGEST_PAUSE_MS = 100;

export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #share = new ConnectionShare();
  readonly #width = new AcceptWidth(loopActivity, () => performance.now());
  /** Copies by node port. A port stays in the map while paused, with no copies. */
  readonly #copies = new Map<number, Set<net.Server>>();
  #pause: NodeJS.Timeout | undefined;
  #full = false;

  constructor(options: AcceptorOptions) {
    this.#options = options;
  }

  get paused(): boolean {
    return this.#pause !== undefined || this.#full;
  }

  /** Node ports this worker serves, paused or not. */
  get ports(): number[] {
    return [...this.#copies.keys()];
  }

  /** A copy of a listening socket arrived. Several copies make several accepts per loop turn. */
  add(nodePort: number, handle: net.Server): void {
    const copies = this.#copies.get(nodePort) ?? new Set();
    this.#copies.set(nodePort, copies);
    if (this.paused || copies.size >= this.#width.current) {
      handle.close();
      return;
    }
    const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accepted(socket, nodePort),
    );
    server.on('error', (error) => this.#options.onError(error, nodePort));
    copies.add(server);
    server.listen(handle, this.#options.backlog);
  }

  /** The port is gone for good, or the worker drains: its connections go on. */
  remove(nodePort: number): void {
    this.#closeCopies(nodePort);
    this.#copies.delete(nodePort);
  }

  removeAll(): void {
    clearTimeout(this.#pause);
    for (const port of this.ports) this.remove(port);
  }

  /** The supervisor told the other workers' connection counts. */
  othersChanged(counts: readonly number[]): void {
    const changed = this.#share.update(counts);
    if (changed && this.#pause !== undefined && !this.#share.isOver(this.#options.connections())) this.#resume();
  }

  /** A connection of this worker ended. */
  connectionClosed(): void {
    if (this.#full && this.#options.connections() < this.#options.maxConnections) {
      this.#full = false;
      this.#requestAll();
    } else if (this.#pause !== undefined && !this.#share.isOver(this.#options.connections())) this.#resume();
  }

  #accepted(socket: net.Socket, nodePort: number): void {
    this.#options.onConnection(socket, nodePort);
    const connections = this.#options.connections();
    if (connections >= this.#options.maxConnections) this.#stopWhileFull();
    else if (this.paused) return;
    else if (this.#share.isOver(connections)) this.#startPause();
    else if (this.#width.review()) this.#fitWidth();
  }

  #fitWidth(): void {
    const wanted = this.#width.current;
    for (const [port, copies] of this.#copies) {
      for (const server of [...copies].slice(wanted)) {
        copies.delete(server);
        server.close();
      }
      if (copies.size < wanted) this.#options.requestSocket(port, wanted - copies.size);
    }
  }

  #startPause(): void {
    for (const port of this.ports) this.#closeCopies(port);
    this.#pause = setTimeout(() => {
      this.#share.distrust();
      this.#resume();
    }, LONGEST_PAUSE_MS);
  }

  #resume(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
    if (!this.#full) this.#requestAll();
  }

  #stopWhileFull(): void {
    if (this.#full) return;
    this.#full = true;
    for (const port of this.ports) this.#closeCopies(port);
  }

  #requestAll(): void {
    for (const port of this.ports) this.#options.requestSocket(port, this.#width.current);
  }

  #closeCopies(nodePort: number): void {
    const copies = this.#copies.get(nodePort);
    if (copies === undefined) return;
    for (const server of copies) server.close();
    copies.clear();
  }
}

/** Counted by libuv itself. */
function loopActivity(): LoopActivity {
  return {
    turns: performance.nodeTiming.uvMetricsInfo.loopCount,
    activeMs: performance.eventLoopUtilization().active,
  };
}
