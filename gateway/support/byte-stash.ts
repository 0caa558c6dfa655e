/**
 * Bytes that must outlive the read callback that brought them: always a copy, since read buffers are shared by
 * all connections. Grows by doubling, so that bytes that come one by one cost no more than bytes that come at once.
 */
export class ByteStash {
  /** Valid bytes are `[0, length)`; the buffer may be replaced by `append`. */
  buffer: Buffer;
  length = 0;

  constructor(source: Buffer, start: number, end: number) {
    this.buffer = Buffer.allocUnsafe(Math.max(end - start, 256));
    this.append(source, start, end);
  }

  append(source: Buffer, start: number, end: number): void {
    const wanted = this.length + end - start;
    if (wanted > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(wanted, this.buffer.length * 2));
      this.buffer.copy(larger, 0, 0, this.length);
      this.buffer = larger;
    }
    source.copy(this.buffer, this.length, start, end);
    this.length = wanted;
  }
}
