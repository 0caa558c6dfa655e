import { createServer, type IncomingMessage, request } from 'node:http';
import { Duplex } from 'node:stream';
import type { Message, Reading } from './readings.ts';

/** A connection without a network: what is pushed comes in, what is written is forgotten. */
class Wire extends Duplex {
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

/** What Node's own server (llhttp, strict) makes of a request stream. */
export async function readRequestsWithNode(pieces: readonly Buffer[]): Promise<Reading> {
  const reading: Reading = { messages: [], end: 'end' };
  const server = createServer({ maxHeaderSize: 65_536, requireHostHeader: true, joinDuplicateHeaders: false });
  server.maxHeadersCount = 0;
  const onRequest = (incoming: IncomingMessage, response: { end(): void }): void => {
    collect(reading, incoming, `${incoming.method} ${incoming.url} ${incoming.httpVersion}`);
    // Answering before the body was read would make Node drop the body.
    incoming.on('end', () => response.end());
  };
  server.on('request', onRequest);
  server.on('checkContinue', onRequest);
  server.on('checkExpectation', onRequest);
  // The socket lives on until `feed` ends it: requests before the fault must come to their own end.
  server.on('clientError', (error: NodeJS.ErrnoException) => note(reading, error));
  const wire = new Wire();
  wire.on('error', () => {});
  server.emit('connection', wire);
  await feed(wire, pieces, reading);
  server.close();
  return reading;
}

/** What Node's own client makes of a response stream: informational heads, then the one response that it reads. */
export async function readResponsesWithNode(pieces: readonly Buffer[]): Promise<Reading> {
  const reading: Reading = { messages: [], end: 'end' };
  const wire = new Wire();
  wire.on('error', () => {});
  const outgoing = request({ createConnection: () => wire, maxHeaderSize: 65_536, headers: { host: 'a' } });
  outgoing.maxHeadersCount = 0;
  outgoing.on('error', (error: NodeJS.ErrnoException) => note(reading, error));
  outgoing.on('information', (info) => {
    reading.messages.push({
      start: `${info.statusCode} ${info.statusMessage} ${info.httpVersion}`,
      headers: lowerNames(info.rawHeaders),
      body: '',
      trailers: [],
      complete: true,
    });
  });
  outgoing.on('response', (incoming) => {
    incoming.on('error', (error: NodeJS.ErrnoException) => note(reading, error));
    collect(reading, incoming, `${incoming.statusCode} ${incoming.statusMessage} ${incoming.httpVersion}`);
  });
  outgoing.end();
  await turn();
  await feed(wire, pieces, reading);
  outgoing.destroy();
  return reading;
}

/** The first error is the one that ended the reading. */
function note(reading: Reading, error: NodeJS.ErrnoException): void {
  if (reading.end === 'end') reading.end = error.code ?? error.message;
}

async function feed(wire: Wire, pieces: readonly Buffer[], reading: Reading): Promise<void> {
  for (const piece of pieces) wire.push(piece);
  await settled(reading);
  if (wire.destroyed && reading.end === 'end') reading.end = 'HANGUP';
  wire.push(null);
  await settled(reading);
  wire.destroy();
  await turn();
}

/** Waits until the event loop has turned twice without anything new. */
async function settled(reading: Reading): Promise<void> {
  let before = '';
  for (let quiet = 0; quiet < 2; quiet++) {
    await turn();
    const now = JSON.stringify(reading);
    if (now !== before) quiet = -1;
    before = now;
  }
}

function collect(reading: Reading, incoming: IncomingMessage, start: string): void {
  const message: Message = { start, headers: lowerNames(incoming.rawHeaders), body: '', trailers: [], complete: false };
  reading.messages.push(message);
  incoming.setEncoding('latin1');
  incoming.on('error', () => {});
  incoming.on('data', (chunk: string) => (message.body += chunk));
  incoming.on('end', () => {
    message.complete = incoming.complete;
    message.trailers = lowerNames(incoming.rawTrailers);
  });
}

function lowerNames(raw: readonly string[]): string[] {
  return raw.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
