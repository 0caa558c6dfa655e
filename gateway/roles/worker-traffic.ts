import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Settings } from '#config/settings.ts';
import { peerOf } from '../proxy/filter/client-address.ts';
import { Proxy } from '../proxy/request-path.ts';
import { type SecureInfo, TlsTerminator } from '../proxy/tls/terminator.ts';
import type { Arrival, ProxySettings } from '../proxy/types.ts';
import type { Certificate } from '../snapshot/certificate.ts';
import type { Listener } from '../snapshot/listener.ts';
import type { WorkerDelta } from '../snapshot/snapshot.ts';
import type { Steps } from '../support/slices.ts';
import { AccessLog } from '../telemetry/access-log.ts';
import type { Logger } from '../telemetry/log.ts';
import { ProxyMetrics } from '../telemetry/metrics.ts';
import type { ProxyReadings } from '../telemetry/statistics.ts';

/** TLS contexts kept ready; one more costs a client about a millisecond. */
const TLS_CONTEXTS = 4_096;

export type WorkerTrafficOptions = {
  readonly settings: Settings;
  /** 48 bytes, equal in all workers. */
  readonly ticketKeys: Buffer;
  readonly log: Logger;
  /** How sockets are read, as `probeSharedRead` found possible. */
  readonly reads: 'shared' | 'data';
  readonly onConnectionsChanged: (change: 'opened' | 'closed') => void;
};

/** A version that was compiled and not served yet. */
type Prepared = {
  readonly version: number;
  readonly proxy: Parameters<Proxy['commit']>[0];
  /** Absent while neither listeners nor certificates have changed. */
  readonly tls?: ReturnType<TlsTerminator['prepare']>;
  readonly listeners: Readonly<Record<string, Listener>>;
  readonly certificates: Readonly<Record<string, Certificate>>;
};

/** Joins TLS and the proxy: what a worker serves, version by version. Owned by the worker role. */
export class WorkerTraffic {
  readonly #proxy: Proxy;
  readonly #tls: TlsTerminator;
  readonly #accessLog: AccessLog;
  readonly #onConnectionsChanged: (change: 'opened' | 'closed') => void;
  #listeners: Readonly<Record<string, Listener>> = {};
  #certificates: Readonly<Record<string, Certificate>> = {};
  #byPort = new Map<number, Listener>();
  #prepared: Prepared | undefined;
  #connections = 0;
  /** Accepted and not secure yet. */
  #handshakes = 0;
  #onHandshakesDone: (() => void) | undefined;
  #version = 0;

  constructor({ settings, ticketKeys, log, reads, onConnectionsChanged }: WorkerTrafficOptions) {
    const metrics = new ProxyMetrics({ namespace: settings.namespace });
    this.#onConnectionsChanged = onConnectionsChanged;
    this.#accessLog = new AccessLog({
      ...settings.accessLog,
      onDrop: (lines) => {
        metrics.counters.access_log_lines_dropped += lines;
      },
      onError: (error) => log.error({ error, file: settings.accessLog.file }, 'the access log cannot be written'),
    });
    this.#proxy = new Proxy({ settings: proxySettings(settings), metrics, accessLog: this.#accessLog, log, reads });
    this.#tls = new TlsTerminator({
      ticketKeys,
      handshakeMs: settings.timeouts.tlsHandshakeMs,
      contextCacheSize: TLS_CONTEXTS,
      onSecure: (socket, info) => this.#secured(socket, info),
      onRefused: (reason, listener) => {
        log.debug({ reason, listener }, 'TLS handshake refused');
        this.#handshakeEnded();
      },
    });
  }

  /** Snapshot version that is served; 0 before the first. */
  get version(): number {
    return this.#version;
  }

  /** Open connections, handshakes included. */
  get connections(): number {
    return this.#connections;
  }

  accepted(socket: Socket, nodePort: number): void {
    this.#connections += 1;
    socket.on('close', () => {
      this.#connections -= 1;
      this.#onConnectionsChanged('closed');
    });
    this.#onConnectionsChanged('opened');
    const listener = this.#byPort.get(nodePort);
    if (listener === undefined) socket.destroy();
    else if (!this.#proxy.admit(socket)) return;
    else if (listener.protocol === 'HTTPS') this.#handshake(socket, listener.key, nodePort);
    else this.#proxy.serve(socket, { listener: listener.key, nodePort, peer: peerOf(socket) });
  }

  /** Compiles a delta beside what is served, in steps. Throws CompileError, and then nothing has changed. */
  *prepare(delta: WorkerDelta): Steps<void> {
    const isFull = delta.from === 0;
    const listeners = merged(isFull ? {} : this.#listeners, delta.set.listeners, delta.remove.listeners);
    const certificates = merged(isFull ? {} : this.#certificates, delta.set.certificates, delta.remove.certificates);
    const isTlsAsBefore = listeners === this.#listeners && certificates === this.#certificates;
    const proxy = yield* this.#proxy.prepareInSteps(delta);
    const tls = isTlsAsBefore ? undefined : this.#tls.prepare(listeners, certificates);
    this.#prepared = { version: delta.to, proxy, ...(tls && { tls }), listeners, certificates };
  }

  /** Serves what was prepared last, from the next request on; does nothing when there is nothing prepared. */
  commit(): void {
    const prepared = this.#prepared;
    if (prepared === undefined) return;
    this.#prepared = undefined;
    this.#proxy.commit(prepared.proxy);
    if (prepared.tls !== undefined) this.#tls.commit(prepared.tls);
    this.#certificates = prepared.certificates;
    this.#setListeners(prepared.listeners);
    this.#version = prepared.version;
  }

  #setListeners(listeners: Readonly<Record<string, Listener>>): void {
    if (listeners === this.#listeners) return;
    this.#listeners = listeners;
    const ports = Object.values(listeners).flatMap((listener) =>
      listener.nodePorts.map((port) => [port, listener] as const),
    );
    this.#byPort = new Map(ports);
  }

  abort(): void {
    this.#prepared = undefined;
  }

  /** What was counted; the series are read one by one. */
  readings(): ProxyReadings {
    return this.#proxy.readings();
  }

  reopenLogs(): void {
    this.#accessLog.reopen();
  }

  /** Resolves when nothing is in flight any more, or the drain time is over, and the access log is on disk. */
  async drain(): Promise<void> {
    // What was accepted is answered, though it is not secure yet; a handshake takes no longer than its own time.
    if (this.#handshakes > 0) {
      await new Promise<void>((resolve) => {
        this.#onHandshakesDone = resolve;
      });
    }
    await this.#proxy.drain();
    await this.#accessLog.close();
  }

  #handshake(socket: Socket, listener: string, nodePort: number): void {
    this.#handshakes += 1;
    this.#tls.accept(socket, listener, nodePort);
  }

  /** Secure or refused: the terminator says exactly one of them of each socket. */
  #handshakeEnded(): void {
    this.#handshakes -= 1;
    if (this.#handshakes === 0) this.#onHandshakesDone?.();
  }

  #secured(socket: TLSSocket, info: SecureInfo): void {
    const arrival: Arrival = {
      listener: info.listener,
      nodePort: info.nodePort,
      peer: peerOf(info.transport),
      tls: { serverName: info.serverName },
    };
    this.#proxy.serve(socket, arrival);
    this.#handshakeEnded();
  }
}

function merged<T>(
  current: Readonly<Record<string, T>>,
  set: Readonly<Record<string, T>>,
  remove: readonly string[],
): Readonly<Record<string, T>> {
  if (remove.length === 0 && Object.keys(set).length === 0) return current;
  const next = { ...current, ...set };
  for (const key of remove) delete next[key];
  return next;
}

function proxySettings(settings: Settings): ProxySettings {
  const own = [settings.admin.port, settings.health.port, settings.metrics.port];
  return {
    trustedProxies: settings.trustedProxies,
    pathNormalization: settings.pathNormalization,
    via: settings.via,
    destinations: { allowLoopback: settings.destinations.allowLoopback, ownPorts: own },
    limits: settings.limits,
    timeouts: settings.timeouts,
  };
}
