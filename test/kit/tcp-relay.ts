import { once } from 'node:events';
import net from 'node:net';

/** A way to a server that can be cut, stopped or slowed, while the server itself knows nothing of it. */
export class TcpRelay {
  readonly #server: net.Server;
  readonly #targetPort: number;
  readonly #pairs = new Set<readonly [net.Socket, net.Socket]>();
  #port = 0;
  #delayMs = 0;
  #stalled = false;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = net.createServer((client) => this.#join(client));
  }

  static async open(targetPort: number): Promise<TcpRelay> {
    const relay = new TcpRelay(targetPort);
    await relay.#listen(0);
    relay.#port = (relay.#server.address() as net.AddressInfo).port;
    return relay;
  }

  get port(): number {
    return this.#port;
  }

  /** Breaks every connection; new ones are taken. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /** Refuses connections and breaks those that are open, until `up`. */
  async down(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  async up(): Promise<void> {
    await this.#listen(this.#port);
  }

  /** Nothing moves in either direction any more, and no connection breaks, until `flow`. */
  stall(): void {
    this.#stalled = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  flow(): void {
    this.#stalled = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  /** Ends whatever was ordered. */
  async restore(): Promise<void> {
    this.flow();
    this.slow(0);
    if (!this.#server.listening) await this.up();
  }

  /** Everything takes so much longer in each direction. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.down();
  }

  async #listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  #join(client: net.Socket): void {
    const target = net.connect(this.#targetPort, '127.0.0.1');
    const pair = [client, target] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [target, client]] as const) {
      from.on('data', (chunk: Buffer) => this.#forward(chunk, to));
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
      if (this.#stalled) from.pause();
    }
  }

  #forward(chunk: Buffer, to: net.Socket): void {
    if (this.#delayMs === 0) to.write(chunk);
    else setTimeout(() => to.write(chunk), this.#delayMs);
  }
}
