import type { Outlet } from '../support/outlet.ts';
import { CHUNK_END, ChunkedDecoder, type ChunkedSink, chunkStart, LAST_CHUNK, lastChunkWith } from './codec/chunked.ts';
import type { FieldSection } from './codec/fields.ts';
import type { RequestHead } from './codec/request-head.ts';

/** Where a request body ends, and its way from the client's bytes to the backend's connection. Reused per connection. */
export class RequestBody implements ChunkedSink {
  /** The client has sent all of it. */
  done = true;
  /** Content bytes received. */
  bytes = 0;
  #remaining = 0;
  #chunked = false;
  #decoder: ChunkedDecoder | undefined;
  #outlet: Outlet | undefined;
  #lastChunk = LAST_CHUNK;

  begin(head: RequestHead): void {
    this.bytes = 0;
    this.#chunked = head.chunked;
    this.#remaining = head.contentLength > 0 ? head.contentLength : 0;
    this.done = !head.chunked && this.#remaining === 0;
    if (!head.chunked) return;
    this.#decoder ??= new ChunkedDecoder();
    this.#decoder.reset();
    this.#lastChunk = LAST_CHUNK;
  }

  /** A malformed request has no body that could be told from what follows. */
  beginNone(): void {
    this.bytes = 0;
    this.done = true;
  }

  /** How many bytes a body of announced length has; -1 for a chunked one. */
  get length(): number {
    return this.#chunked && !this.done ? -1 : this.#remaining;
  }

  /** The rest of the body went another way, whole. */
  skip(): void {
    this.bytes += this.#remaining;
    this.#remaining = 0;
    this.done = true;
  }

  /** Sends on what belongs to the body: the offset after it, or a negative HeadError. */
  feed(buffer: Buffer, start: number, end: number, outlet: Outlet): number {
    if (!this.#chunked) {
      const to = end - start < this.#remaining ? end : start + this.#remaining;
      this.#remaining -= to - start;
      this.bytes += to - start;
      this.done = this.#remaining === 0;
      outlet.bytes(buffer, start, to);
      return to;
    }
    const decoder = this.#decoder as ChunkedDecoder;
    this.#outlet = outlet;
    const next = decoder.feed(buffer, start, end, this);
    this.#outlet = undefined;
    if (next >= 0 && decoder.done) {
      this.done = true;
      outlet.text(this.#lastChunk);
    }
    return next;
  }

  onData(buffer: Buffer, start: number, end: number): void {
    const outlet = this.#outlet as Outlet;
    outlet.text(chunkStart(end - start));
    outlet.bytes(buffer, start, end);
    outlet.text(CHUNK_END);
    this.bytes += end - start;
  }

  onTrailers(trailers: FieldSection, buffer: Buffer): void {
    this.#lastChunk = lastChunkWith(trailers, buffer);
  }
}
