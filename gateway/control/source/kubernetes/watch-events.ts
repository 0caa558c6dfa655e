import { ApiError } from '../../kubernetes/api-error.ts';

/** One event of a watch; `type` is ADDED, MODIFIED, DELETED, BOOKMARK or ERROR. */
export type WatchEvent = { readonly type: string; readonly object: unknown };

/** etcd takes 1.5 MiB; more than this in one line is no object. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/** The events of a watch, those of one read together. Holds one unfinished line at most; an end inside of a line is a failure. */
export async function* watchEvents(stream: AsyncIterable<Buffer>): AsyncGenerator<readonly WatchEvent[]> {
  const unfinished = new UnfinishedLine();
  for await (const chunk of stream) {
    const events: WatchEvent[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const line = unfinished.finish(chunk.subarray(start, end));
      start = end + 1;
      if (line !== '') events.push(parseEvent(line));
    }
    unfinished.add(chunk.subarray(start));
    if (events.length > 0) yield events;
  }
  if (!unfinished.isEmpty) throw badAnswer('a watch ended inside of an event');
}

class UnfinishedLine {
  #parts: Buffer[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  add(part: Buffer): void {
    if (part.length === 0) return;
    this.#bytes += part.length;
    if (this.#bytes > MAX_LINE_BYTES) throw badAnswer(`a watch event is longer than ${MAX_LINE_BYTES} bytes`);
    this.#parts.push(part);
  }

  finish(rest: Buffer): string {
    if (this.#parts.length === 0) return rest.toString('utf8');
    this.add(rest);
    const line = Buffer.concat(this.#parts).toString('utf8');
    this.#parts = [];
    this.#bytes = 0;
    return line;
  }
}

function parseEvent(line: string): WatchEvent {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw badAnswer('a watch event is not JSON');
  }
  if (typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string')
    return { type: value.type, object: 'object' in value ? value.object : undefined };
  throw badAnswer('a watch event has no type');
}

function badAnswer(message: string): ApiError {
  return new ApiError({ status: 0, reason: 'BadAnswer', message });
}
