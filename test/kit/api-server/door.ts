import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificate } from '#gateway/snapshot/certificate.ts';

export type DoorOptions = {
  readonly certificate: Certificate;
  readonly clientCaPem: string;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
};

/** One listening port of the API server. It keeps its number when it is shut and opened again. */
export class Door {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;
  #refuse: 'no' | 'reset' = 'no';

  private constructor({ certificate, clientCaPem, handle }: DoorOptions) {
    this.#server = createServer(
      {
        key: certificate.privateKeyPem,
        cert: certificate.certificatePem,
        ca: clientCaPem,
        requestCert: true,
        rejectUnauthorized: false,
        keepAliveTimeout: 60_000,
        requestTimeout: 0,
      },
      handle,
    );
    this.#server.on('connection', (socket: Socket) => this.#accept(socket));
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  static async open(options: DoorOptions): Promise<Door> {
    const door = new Door(options);
    endByExit();
    await door.#listen();
    return door;
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** Closes the port and breaks every connection: connecting is refused. */
  async shut(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.breakConnections();
    await closed;
  }

  async reopen(): Promise<void> {
    if (!this.#server.listening) await this.#listen();
  }

  /** Accepts connections only to reset them, as a load balancer without a server behind it does. */
  resetAll(): void {
    this.#refuse = 'reset';
    this.breakConnections();
  }

  /** Shows another certificate from now on, as after a restart with it. */
  renew({ certificate, clientCaPem }: Omit<DoorOptions, 'handle'>): void {
    const { privateKeyPem: key, certificatePem: cert } = certificate;
    this.#server.setSecureContext({ key, cert, ca: clientCaPem });
    this.breakConnections();
  }

  welcome(): void {
    this.#refuse = 'no';
  }

  breakConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #accept(socket: Socket): void {
    if (this.#refuse === 'reset') {
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  async #listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', () => {
        this.#server.removeListener('error', reject);
        resolve();
      });
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }
}

let isEndTaken = false;

/**
 * Node counts what it still has to write, and at the natural end of a process waits for it in a busy loop
 * (Environment::CleanupHandles); of a connection that was broken in the middle of an answer that can be for ever.
 */
function endByExit(): void {
  if (isEndTaken) return;
  isEndTaken = true;
  // The test runner tells its results at the same event.
  process.once('beforeExit', () => void setTimeout(() => process.exit(), 100));
}
