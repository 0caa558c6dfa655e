import type { Socket } from 'node:net';
import { latin1, writeLatin1 } from './latin1.ts';

/** Up to here everything goes out as one latin1 string: Node writes it from the stack without allocating. */
const TEXT_LIMIT = 16_000;

/**
 * Collects what is to be written to a socket during one callback and hands it over in as few writes as possible,
 * one in the common case. Bytes are copied when they are added, so the source may be reused at once.
 */
export class Outlet {
  readonly #socket: Socket;
  #text = '';

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Adds a latin1 string. */
  text(text: string): void {
    this.#text = this.#text === '' ? text : this.#text + text;
  }

  /** Adds `[start, end)` of a buffer. */
  bytes(buffer: Buffer, start: number, end: number): void {
    const size = end - start;
    if (size + this.#text.length <= TEXT_LIMIT) {
      this.#text += latin1(buffer, start, end);
      return;
    }
    const before = this.#text.length;
    const joined = Buffer.allocUnsafeSlow(before + size);
    if (before > 0) writeLatin1(joined, this.#text, 0);
    buffer.copy(joined, before, start, end);
    this.#text = '';
    this.#socket.write(joined);
  }

  /** Writes out what was added. False: the socket holds more than it wants; wait for its `drain` before adding more. */
  flush(): boolean {
    const text = this.#text;
    if (text !== '') {
      this.#text = '';
      return this.#socket.write(text, 'latin1');
    }
    return !this.#socket.writableNeedDrain;
  }

  /** Forgets what was added and not yet flushed. */
  discard(): void {
    this.#text = '';
  }
}
