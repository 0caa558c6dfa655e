/**
 * Promises: a socket that comes in is either handed out as a secure one, or refused with a reason, in bounded time and memory.
 * Never: trusts a server name that OpenSSL was not shown, listens, or lets a client error throw.
 * Called by the worker: `prepare` and `commit` with snapshots, `accept` with each connection of an HTTPS listener.
 */
import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { LRUCache } from 'lru-cache';
import type { Certificate } from '../../snapshot/certificate.ts';
import type { Listener } from '../../snapshot/listener.ts';
import { type ClientHello, ClientHelloReader } from './client-hello.ts';
import { createTlsServer, type TlsCommon } from './policy.ts';
import { refusalBytes, refusalOf, type TlsRefusal } from './refusal.ts';
import { normalizeServerName } from './server-names.ts';
import { type CompiledListener, compileListener, type Termination } from './terminations.ts';

/** What is known of a connection once it is secure. */
export type SecureInfo = {
  /** Key of the listener that it came in by. */
  readonly listener: string;
  readonly nodePort: number;
  /** Key of the TLS server that took it. */
  readonly server: string;
  /** As the client sent it, lower case; empty when it sent none. */
  readonly serverName: string;
  /** The accepted socket below: it knows the addresses of both ends already, the TLS socket would ask the kernel again. */
  readonly transport: Socket;
};

export type TlsTerminatorOptions = TlsCommon & {
  /** From accept to the secure socket; then the connection is refused. */
  readonly handshakeMs: number;
  /** Secure contexts kept; others are made again when a client asks for them. */
  readonly contextCacheSize: number;
  /**
   * Called in the very turn in which the handshake ends, before any content was read: a read hook set now misses nothing. The socket
   * has an error listener of ours; the callee owns it from here on.
   */
  readonly onSecure: (socket: TLSSocket, info: SecureInfo) => void;
  /** The socket is already on its way out. */
  readonly onRefused: (reason: TlsRefusal, listener: string) => void;
};

/** A version that was found sound; give it to {@link TlsTerminator.commit}, or forget it. */
export type PreparedTls = {
  readonly listeners: ReadonlyMap<string, CompiledListener>;
  /** Servers made while checking, by termination id. */
  readonly servers: ReadonlyMap<string, Server>;
};

/** Where an accepted socket carries its arrival: a WeakMap would cost every garbage collection a look at each entry. */
const arrivalOf = Symbol('arrival');
type ArrivingSocket = Socket & { [arrivalOf]?: Arrival | undefined };

/** A connection on its way from accept to secure. */
type Arrival = {
  readonly socket: ArrivingSocket;
  readonly listener: string;
  readonly nodePort: number;
  serverName: string;
  server: string;
  timer: NodeJS.Timeout;
};

export class TlsTerminator {
  readonly #options: TlsTerminatorOptions;
  readonly #servers: LRUCache<string, Server>;
  #listeners: ReadonlyMap<string, CompiledListener> = new Map();

  constructor(options: TlsTerminatorOptions) {
    if (options.ticketKeys.length !== 48) throw new RangeError('ticketKeys must be 48 bytes');
    this.#options = options;
    this.#servers = new LRUCache({ max: options.contextCacheSize });
  }

  /**
   * Compiles all HTTPS listeners of a snapshot and changes nothing; what is unchanged since the last commit is taken over.
   * Throws CompileError for a certificate, key or cipher list that OpenSSL refuses.
   */
  prepare(
    listeners: Readonly<Record<string, Listener>>,
    certificates: Readonly<Record<string, Certificate>>,
  ): PreparedTls {
    const compiled = new Map<string, CompiledListener>();
    const servers = new Map<string, Server>();
    for (const listener of Object.values(listeners)) {
      if (listener.protocol !== 'HTTPS') continue;
      const context = { previous: this.#listeners.get(listener.key), common: this.#options, servers };
      compiled.set(listener.key, compileListener(listener, certificates, context));
    }
    return { listeners: compiled, servers };
  }

  /** Serves a prepared version from the next connection on; handshakes under way end as they began. */
  commit(prepared: PreparedTls): void {
    const current = new Set(
      [...prepared.listeners.values()].flatMap(({ terminations }) => terminations.map(({ id }) => id)),
    );
    for (const id of this.#servers.keys()) if (!current.has(id)) this.#servers.delete(id);
    for (const [id, server] of prepared.servers) this.#servers.set(id, this.#wire(server));
    this.#listeners = prepared.listeners;
  }

  /**
   * Takes over a plain socket of `nodePort` of which nothing was read; it may be paused (pauseOnConnect) or not. From here
   * to the secure socket it takes at most `handshakeMs`.
   */
  accept(socket: ArrivingSocket, listenerKey: string, nodePort: number): void {
    const timer = setTimeout(() => this.#refuse(arrival, 'timeout'), this.#options.handshakeMs);
    const arrival: Arrival = { socket, listener: listenerKey, nodePort, serverName: '', server: '', timer };
    socket[arrivalOf] = arrival;
    socket.on('error', ignore);
    socket.on('close', () => this.#refuse(arrival, 'closed'));
    const listener = this.#listeners.get(listenerKey);
    if (listener === undefined) this.#refuse(arrival, 'no-listener');
    else this.#peek(arrival, listener);
  }

  /**
   * Collects chunks aside until the ClientHello is whole and gives them back in one piece: `unshift` of an incomplete one would make
   * the stream read it again for ever.
   */
  #peek(arrival: Arrival, listener: CompiledListener): void {
    const { socket } = arrival;
    const reader = new ClientHelloReader();
    const onData = (chunk: Buffer): void => {
      const hello = reader.push(chunk);
      if (hello === undefined) return;
      socket.removeListener('data', onData);
      socket.removeListener('end', onEnd);
      socket.pause();
      if (typeof hello === 'string') return this.#refuse(arrival, hello);
      const termination = this.#choose(arrival, listener, hello);
      if (termination === undefined) return undefined;
      socket.unshift(reader.chunks.length === 1 ? (reader.chunks[0] as Buffer) : Buffer.concat(reader.chunks));
      this.#handOver(arrival, termination, hello);
    };
    const onEnd = (): void => this.#refuse(arrival, 'closed');
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.resume();
  }

  #choose(arrival: Arrival, listener: CompiledListener, hello: ClientHello): Termination | undefined {
    const name = hello.serverName === undefined ? undefined : normalizeServerName(hello.serverName);
    const isUnreadable = hello.serverName !== undefined && name === undefined;
    const termination = isUnreadable ? undefined : listener.names.find(name);
    if (termination === undefined) {
      this.#refuse(arrival, hello.serverName === undefined ? 'no-server-name' : 'unknown-server-name');
      return undefined;
    }
    arrival.serverName = name ?? '';
    arrival.server = termination.server.key;
    return termination;
  }

  /** `emit` on a real tls.Server keeps the native fast path, its handshake checks and its client-certificate checks. */
  #handOver(arrival: Arrival, termination: Termination, hello: ClientHello): void {
    try {
      const server = this.#serverOf(termination);
      speakAlpn(server, { offered: hello.alpn.length > 0 });
      server.emit('connection', arrival.socket);
    } catch {
      // Nothing that a client sends gets here: OpenSSL is out of memory, or the socket has lost its handle.
      this.#refuse(arrival, 'handshake-failed');
    }
  }

  #serverOf(termination: Termination): Server {
    const kept = this.#servers.get(termination.id);
    if (kept !== undefined) return kept;
    const server = this.#wire(createTlsServer(termination.server, termination.certificate, this.#options));
    this.#servers.set(termination.id, server);
    return server;
  }

  #wire(server: Server): Server {
    server.on('secureConnection', (socket) => this.#secured(socket));
    server.on('tlsClientError', (error, socket) => {
      const arrival = this.#arrivalOf(socket);
      if (arrival !== undefined) this.#refuse(arrival, refusalOf(error));
      socket.destroy();
    });
    return server;
  }

  #secured(socket: TLSSocket): void {
    const arrival = this.#arrivalOf(socket);
    socket.on('error', ignore);
    if (arrival === undefined) {
      socket.destroy();
      return;
    }
    this.#forget(arrival);
    this.#options.onSecure(socket, {
      listener: arrival.listener,
      nodePort: arrival.nodePort,
      server: arrival.server,
      serverName: arrival.serverName,
      transport: arrival.socket,
    });
  }

  /** Node has no public way from a TLSSocket to the socket that it wraps. */
  #arrivalOf(socket: TLSSocket): Arrival | undefined {
    const { _parent: parent } = socket as TLSSocket & { readonly _parent?: ArrivingSocket };
    return parent?.[arrivalOf];
  }

  /** Ends an arrival that is not secure yet; does nothing for one that has ended. */
  #refuse(arrival: Arrival, reason: TlsRefusal): void {
    if (!this.#forget(arrival)) return;
    const { socket } = arrival;
    // Once OpenSSL owns the connection it speaks for itself.
    const lastBytes = arrival.server === '' ? refusalBytes(reason) : undefined;
    if (lastBytes === undefined || socket.destroyed) socket.destroy();
    else socket.end(lastBytes, () => socket.destroySoon());
    this.#options.onRefused(reason, arrival.listener);
  }

  #forget(arrival: Arrival): boolean {
    if (arrival.socket[arrivalOf] === undefined) return false;
    arrival.socket[arrivalOf] = undefined;
    clearTimeout(arrival.timer);
    return true;
  }
}

/**
 * Node prepares ALPN for every connection of a server that has protocols, which costs a client that offers none as much as
 * one that does. The server reads the property while it takes the connection over, so it may differ from one to the next.
 */
function speakAlpn(server: Server & { ALPNProtocols?: unknown }, { offered }: { offered: boolean }): void {
  const known = protocolsOf.get(server) ?? server.ALPNProtocols;
  protocolsOf.set(server, known);
  server.ALPNProtocols = offered ? known : undefined;
}

const protocolsOf = new WeakMap<Server, unknown>();

function ignore(): void {}
