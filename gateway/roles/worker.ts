/**
 * A worker: serves traffic from the compiled snapshot and answers health checks itself.
 * It reads no Kubernetes object, holds no cluster credential, and never ends because of a request.
 * Started by the supervisor, with which it talks over IPC; ends when that channel closes.
 */
import type { Server, Socket } from 'node:net';
import path from 'node:path';
import type { Settings } from '#config/settings.ts';
import { CompileError } from '../proxy/compile-error.ts';
import { Acceptor } from '../proxy/listen/acceptor.ts';
import { serveHealth } from '../proxy/listen/health.ts';
import type { WorkerDelta } from '../snapshot/snapshot.ts';
import { readSnapshotInSteps, snapshotFolder, versionOf } from '../snapshot/snapshot-files.ts';
import type { FromWorker, Manifest, SocketPurpose, ToWorker } from '../supervisor/messages.ts';
import { probeSharedRead } from '../support/shared-read.ts';
import { atOnce, StepQueue, type Steps } from '../support/slices.ts';
import { settleSocketShapes } from '../support/socket-shapes.ts';
import { openLog } from '../telemetry/log.ts';
import { roleStatistics } from '../telemetry/process-statistics.ts';
import { writeStatisticsInSteps } from '../telemetry/statistics-file.ts';
import { ExceptionBudget } from './exception-budget.ts';
import { WorkerTraffic } from './worker-traffic.ts';

/** Reports its connections when they differ by so many from what it reported last. */
const LOAD_STEP = 4;

/** A new version is worked in so long at a time, and statistics are written; requests come in between. */
const SLICE_MS = 0.25;

export function runWorker(): void {
  let worker: Worker | undefined;
  const waiting: [ToWorker, Server | undefined][] = [];
  const reads = settleSocketShapes().then(probeSharedRead);
  process.on('message', (message, handle) => {
    const [order, socket] = [message as ToWorker, handle as Server | undefined];
    if (worker !== undefined) worker.obey(order, socket);
    else if (order.type !== 'init') waiting.push([order, socket]);
    else {
      void reads.then((mode) => {
        worker = new Worker(order, mode);
        for (const [earlier, earlierSocket] of waiting.splice(0)) worker.obey(earlier, earlierSocket);
      });
    }
  });
  // The supervisor is gone: its sockets are too, so nothing that this worker could still accept reaches it.
  process.on('disconnect', () => process.exit(0));
  // A terminal's Ctrl-C reaches the whole process group; the supervisor decides what it means.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => worker?.drain());
}

class Worker {
  readonly #settings: Settings;
  readonly #index: number;
  readonly #log: ReturnType<typeof openLog>;
  readonly #traffic: WorkerTraffic;
  readonly #acceptor: Acceptor;
  readonly #snapshotDir: string;
  readonly #versions = new StepQueue(SLICE_MS);
  /** Figures for people do not wait for versions, nor versions for them. */
  readonly #statistics = new StepQueue(SLICE_MS);
  /** False while it serves what no manifest leads on from. */
  #isWhole = true;
  #reportedLoad = 0;
  #loadReport: NodeJS.Immediate | undefined;
  #closeHealth: (() => void) | undefined;
  /** Ports of the first list of which no handle has come yet; undefined before it came and once all are there. */
  #awaitedPorts: Set<number> | undefined;
  #draining = false;
  #sourceDetail = 'control has not told yet';

  constructor(init: Extract<ToWorker, { type: 'init' }>, reads: 'shared' | 'data') {
    // The supervisor of this very program parsed it; both ends are one version of one type.
    this.#settings = init.settings as Settings;
    this.#index = init.index;
    this.#snapshotDir = snapshotFolder(this.#settings.runtimeDir);
    process.title = `mesh-gateway: worker ${init.index}`;
    this.#log = openLog({ role: 'worker', level: this.#settings.log.level, index: init.index });
    this.#surviveExceptions();
    if (reads === 'data')
      this.#log.warn('this Node.js cannot read accepted sockets into a shared buffer; requests cost more');
    this.#traffic = new WorkerTraffic({
      settings: this.#settings,
      reads,
      ticketKeys: Buffer.from(init.ticketKeys, 'base64'),
      log: this.#log,
      onConnectionsChanged: (change) => this.#connectionsChanged(change),
    });
    this.#acceptor = new Acceptor({
      backlog: this.#settings.backlog,
      maxConnections: this.#settings.limits.connections,
      connections: () => this.#traffic.connections,
      onConnection: (socket: Socket, nodePort: number) => this.#traffic.accepted(socket, nodePort),
      requestSocket: (nodePort, copies) => send({ type: 'want-listen', nodePort, copies }),
      onError: (error, nodePort) => this.#log.error({ error, nodePort }, 'cannot listen'),
    });
    roleStatistics('worker');
    atOnce(this.#load(init.manifest));
    send({ type: 'ready', version: this.#traffic.version });
  }

  obey(order: ToWorker, handle: Server | undefined): void {
    switch (order.type) {
      case 'ports':
        this.#awaitedPorts = new Set(order.nodePorts);
        this.#portArrived(undefined);
        break;
      case 'listen':
        if (handle !== undefined) this.#listen(order.socket, handle);
        break;
      case 'unlisten':
        if (order.socket.kind === 'traffic') {
          this.#acceptor.remove(order.socket.nodePort);
          this.#portArrived(order.socket.nodePort);
        }
        break;
      case 'prepare':
        this.#versions.do(this.#prepare(order.version, order.file));
        break;
      case 'commit':
        this.#versions.do(this.#commit(order.version));
        break;
      case 'abort':
        this.#versions.do(this.#abort());
        break;
      case 'catch-up':
        this.#versions.do(this.#catchUp(order.manifest));
        break;
      case 'load':
        this.#acceptor.othersChanged(
          Object.entries(order.connections).flatMap(([index, count]) => (Number(index) === this.#index ? [] : [count])),
        );
        break;
      case 'source':
        this.#sourceDetail = order.detail;
        break;
      case 'ping':
        send({ type: 'pong', id: order.id });
        this.#reportLoad();
        break;
      case 'collect':
        this.#statistics.do(this.#collect(order.id, order.file));
        break;
      case 'reopen-logs':
        this.#traffic.reopenLogs();
        break;
      case 'drain':
        this.drain();
        break;
      case 'init':
        break;
    }
  }

  /** Takes nothing new, finishes what is in flight, and ends the process. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#acceptor.removeAll();
    this.#closeHealth?.();
    void this.#traffic.drain().then(() => {
      send({ type: 'drained' });
      process.exit(0);
    });
  }

  #listen(socket: SocketPurpose, handle: Server): void {
    if (this.#draining) handle.close();
    else if (socket.kind === 'traffic') {
      this.#acceptor.add(socket.nodePort, handle);
      this.#portArrived(socket.nodePort);
    } else this.#closeHealth = serveHealth(handle, this.#settings.backlog, () => this.#readiness());
  }

  /** A port of the first ones came, or is not wanted any more. */
  #portArrived(nodePort: number | undefined): void {
    const awaited = this.#awaitedPorts;
    if (awaited === undefined) return;
    if (nodePort !== undefined) awaited.delete(nodePort);
    if (awaited.size > 0) return;
    this.#awaitedPorts = undefined;
    send({ type: 'listening' });
  }

  /**
   * Loads the files of a manifest that are not loaded yet, all of them when it begins with another full snapshot.
   * False when that cannot be done: another start would fail the same way, so the worker lives on and says it.
   */
  *#load(manifest: Manifest | null): Steps<boolean> {
    if (manifest === null) return true;
    const known = this.#isWhole ? manifest.files.findIndex((file) => versionOf(file) === this.#traffic.version) : -1;
    try {
      for (const file of manifest.files.slice(known + 1)) {
        yield* this.#traffic.prepare(yield* readSnapshotInSteps(path.join(this.#snapshotDir, file)));
        this.#traffic.commit();
      }
    } catch (error) {
      this.#isWhole = false;
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.error({ error, version: manifest.version }, 'a published version cannot be loaded');
      send({ type: 'unloadable', version: manifest.version, reason });
      return false;
    }
    this.#isWhole = true;
    return true;
  }

  *#catchUp(manifest: Manifest): Steps<void> {
    if (yield* this.#load(manifest)) send({ type: 'applied', version: this.#traffic.version });
  }

  *#prepare(version: number, file: string): Steps<void> {
    // What an earlier publication left undecided must not be served by the commit of this one.
    this.#traffic.abort();
    let delta: WorkerDelta;
    try {
      delta = yield* readSnapshotInSteps(path.join(this.#snapshotDir, file));
    } catch (error) {
      this.#refuse(error, version, 'snapshot');
      return;
    }
    try {
      yield* this.#traffic.prepare(delta);
      send({ type: 'prepared', version });
    } catch (error) {
      this.#refuse(error, version, error instanceof CompileError ? error.unit : file);
    }
  }

  #refuse(error: unknown, version: number, unit: string): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#log.error({ error, version, unit }, 'a version cannot be compiled and is refused');
    send({ type: 'refused', version, unit, reason });
  }

  // A generator, since it takes its turn in the queue of steps; one step, since a version is put in place at once.
  // oxlint-disable-next-line require-yield
  *#commit(version: number): Steps<void> {
    this.#traffic.commit();
    if (this.#traffic.version !== version) return;
    // A full snapshot makes whole what could not be loaded.
    this.#isWhole = true;
    send({ type: 'applied', version });
  }

  // One step as well: there is nothing to slice in forgetting.
  // oxlint-disable-next-line require-yield
  *#abort(): Steps<void> {
    this.#traffic.abort();
  }

  *#collect(id: number, file: string): Steps<void> {
    try {
      yield* writeStatisticsInSteps(file, roleStatistics('worker', { index: this.#index }), this.#traffic.readings());
      send({ type: 'collected', id, file });
    } catch (error) {
      // A full disk costs people a figure, never the program.
      this.#log.warn({ error, file }, 'statistics cannot be written');
    }
  }

  #connectionsChanged(change: 'opened' | 'closed'): void {
    if (change === 'closed') this.#acceptor.connectionClosed();
    if (Math.abs(this.#traffic.connections - this.#reportedLoad) < LOAD_STEP) return;
    this.#loadReport ??= setImmediate(() => this.#reportLoad());
  }

  #reportLoad(): void {
    if (this.#loadReport !== undefined) clearImmediate(this.#loadReport);
    this.#loadReport = undefined;
    if (this.#traffic.connections === this.#reportedLoad) return;
    this.#reportedLoad = this.#traffic.connections;
    send({ type: 'load', connections: this.#reportedLoad });
  }

  #readiness(): ReturnType<Parameters<typeof serveHealth>[2]> {
    const version = this.#traffic.version;
    const ports = this.#acceptor.ports;
    const awaited = [...(this.#awaitedPorts ?? [])];
    const checks = {
      snapshot: {
        ok: version > 0,
        detail:
          version > 0
            ? `version ${version} is served`
            : 'no version was published yet: control has not read its source',
      },
      listeners: {
        ok: ports.length > 0 && awaited.length === 0,
        detail:
          ports.length === 0
            ? 'no listening socket was handed over yet'
            : `ports ${ports.join(', ')}${this.#acceptor.paused ? ' (leaving new connections to other workers for now)' : ''}${awaited.length > 0 ? `; not handed over yet: ${awaited.join(', ')}` : ''}`,
      },
      drain: { ok: !this.#draining, detail: this.#draining ? 'stopping' : 'not stopping' },
    };
    return {
      ready: Object.values(checks).every((check) => check.ok),
      checks,
      notes: { source: this.#sourceDetail },
    };
  }

  /** An exception outside any exchange is logged and counted; only a flood of them ends the worker, in an orderly way. */
  #surviveExceptions(): void {
    const budget = new ExceptionBudget();
    const survive = (error: unknown): void => {
      this.#log.error({ error }, 'unexpected exception; the worker goes on');
      if (budget.isSpent(performance.now())) {
        this.#log.fatal('too many unexpected exceptions; this worker is replaced');
        process.exit(1);
      }
    };
    process.on('uncaughtException', survive);
    process.on('unhandledRejection', survive);
  }
}

function send(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}
