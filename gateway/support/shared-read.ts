/**
 * Lets many sockets read into one buffer, which saves an allocation of 64 KiB per read. Node offers that (`onread`)
 * for outgoing connections only; accepted sockets get it through two internal symbols, guarded by a probe.
 * What the callback receives is valid only until it returns.
 */
import net, { type AddressInfo, type Socket } from 'node:net';
import { latin1 } from './latin1.ts';

/** Called with the buffer and the number of bytes in it. */
export type ReadCallback = (buffer: Buffer, length: number) => void;

type Internals = { readonly buffer: symbol; readonly callback: symbol };
type Handle = { reading?: boolean; useUserBuffer?: (buffer: Uint8Array) => void };
type SocketInternals = Record<symbol, unknown> & { readonly _handle?: Handle | null };

const READ_BYTES = 64 * 1024;

/** One buffer for all sockets of one kind. Never nest reads of sockets that share it. */
export class SharedRead {
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  #internals: Internals | undefined;

  /** In mode `data` accepted sockets use ordinary 'data' events: always right, only slower. */
  constructor(options: { mode: 'shared' | 'data' }) {
    if (options.mode === 'shared') this.share();
  }

  /** Sockets attached from now on share the buffer; called when {@link probeSharedRead} has found that it works. */
  share(): void {
    this.#internals = findInternals();
  }

  /** The documented way, for `net.connect`. */
  onread(callback: ReadCallback): net.OnReadOpts {
    return {
      buffer: this.#buffer,
      callback: (length, buffer) => {
        callback(buffer as Buffer, length);
        return true;
      },
    };
  }

  /** Sends all that `socket` (already connected, not yet read from) receives to `callback`. */
  attach(socket: Socket, callback: ReadCallback): void {
    const handle = (socket as unknown as SocketInternals)._handle;
    if (this.#internals === undefined || typeof handle?.useUserBuffer !== 'function') {
      socket.on('data', (chunk: Buffer) => callback(chunk, chunk.length));
      return;
    }
    // Anything that arrived before us, such as TLS application data right behind the handshake.
    const early: unknown = socket.readableLength > 0 ? socket.read() : null;
    const inside = socket as unknown as SocketInternals;
    inside[this.#internals.buffer] = this.#buffer;
    inside[this.#internals.callback] = (length: number, buffer: Buffer): boolean => {
      callback(buffer, length);
      return true;
    };
    handle.useUserBuffer(this.#buffer);
    // Before the callback, which may pause.
    if (handle.reading !== true) socket.resume();
    if (early !== null) callback(early as Buffer, (early as Buffer).length);
  }
}

/** Proves with a real connection that accepted sockets can read into a shared buffer. Called once when serving begins. */
export async function probeSharedRead(): Promise<'shared' | 'data'> {
  if (findInternals() === undefined) return 'data';
  const shared = new SharedRead({ mode: 'shared' });
  const server = net.createServer();
  const client = new net.Socket();
  try {
    const received = new Promise<string>((resolve) => {
      server.on('connection', (socket) => {
        socket.on('error', () => resolve('error'));
        socket.on('data', () => resolve('data'));
        socket.on('end', () => resolve('end'));
        shared.attach(socket, (buffer, length) => {
          resolve(buffer.length === READ_BYTES ? latin1(buffer, 0, length) : 'other buffer');
          socket.destroy();
        });
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    client.on('error', () => undefined);
    client.connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write('probe');
    const late = new Promise<string>((resolve) => setTimeout(resolve, 2_000, 'late').unref());
    return (await Promise.race([received, late])) === 'probe' ? 'shared' : 'data';
  } catch {
    return 'data';
  } finally {
    client.destroy();
    server.close();
  }
}

/** The symbols under which a socket keeps its read buffer, found on a socket that was made with `onread`. */
function findInternals(): Internals | undefined {
  const sample = new net.Socket({ onread: { buffer: Buffer.alloc(1), callback: () => true } });
  const symbols = Object.getOwnPropertySymbols(sample);
  sample.destroy();
  const buffer = symbols.find((symbol) => symbol.description === 'kBuffer');
  const callback = symbols.find((symbol) => symbol.description === 'kBufferCb');
  return buffer === undefined || callback === undefined ? undefined : { buffer, callback };
}
