import net from 'node:net';
import { eventually } from './eventually.ts';

/** One HTTP response as it came, taken apart by a reader that shares no code with the gateway. */
export type RawResponse = {
  readonly status: number;
  /** Head as text, without the empty line. */
  readonly head: string;
  /** Lower-case name -> values joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Trailer lines of a chunked body, joined by `\n`. */
  readonly trailers: string;
};

/** A client that writes bytes and looks at bytes. */
export class RawClient {
  readonly socket: net.Socket;
  /** Everything received and not yet taken by `response`. */
  received = '';
  ended = false;
  closed = false;
  error: NodeJS.ErrnoException | undefined;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
    });
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('error', (error) => {
      this.error = error;
    });
  }

  /** Connects; the client keeps its half open until it is told to end. */
  static async connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = net.connect({ port, host, allowHalfOpen: true, noDelay: true });
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  write(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Waits for bytes that match. */
  async until(pattern: RegExp | string): Promise<string> {
    await eventually(
      () => (typeof pattern === 'string' ? this.received.includes(pattern) : pattern.test(this.received)),
      { what: `client receives ${String(pattern)}; it has ${JSON.stringify(this.received.slice(0, 2000))}` },
    );
    return this.received;
  }

  /** Waits for one whole response and takes it. */
  async response(options: { to?: 'HEAD' } = {}): Promise<RawResponse> {
    const found = await eventually(() => takeResponse(this.received, options.to === 'HEAD', this.ended), {
      what: `a whole response; there is ${JSON.stringify(this.received.slice(0, 2000))}`,
    });
    this.received = found.rest;
    return found.response;
  }

  /** Waits until the other side has ended (FIN) or broken the connection. */
  async over(): Promise<void> {
    await eventually(() => this.ended || this.closed, { what: 'the connection ends' });
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** Connects, sends `text`, and waits for one response. */
export async function exchangeRaw(port: number, text: string): Promise<RawResponse> {
  const client = await RawClient.connect(port);
  try {
    client.write(text);
    return await client.response();
  } finally {
    client.destroy();
  }
}

function takeResponse(
  text: string,
  isHead: boolean,
  ended: boolean,
): { response: RawResponse; rest: string } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const head = text.slice(0, headEnd);
  const [first = '', ...lines] = head.split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1] ?? Number.NaN);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  const after = text.slice(headEnd + 4);
  const made = (body: string, rest: string, trailers = ''): { response: RawResponse; rest: string } => ({
    response: { status, head, headers, body, trailers },
    rest,
  });
  if (isHead || status < 200 || status === 204 || status === 304) return made('', after);
  if (headers['transfer-encoding'] === 'chunked') return takeChunked(after, made);
  const length = headers['content-length'];
  if (length === undefined) return ended ? made(after, '') : undefined;
  return after.length >= Number(length) ? made(after.slice(0, Number(length)), after.slice(Number(length))) : undefined;
}

function takeChunked<T>(text: string, made: (body: string, rest: string, trailers: string) => T): T | undefined {
  let body = '';
  let rest = text;
  for (;;) {
    const line = /^([0-9a-f]+)\r\n/.exec(rest);
    if (line === null) return undefined;
    const size = Number.parseInt(line[1] ?? '', 16);
    rest = rest.slice(line[0].length);
    if (size === 0) {
      if (rest.startsWith('\r\n')) return made(body, rest.slice(2), '');
      const end = rest.indexOf('\r\n\r\n');
      return end === -1 ? undefined : made(body, rest.slice(end + 4), rest.slice(0, end).replaceAll('\r\n', '\n'));
    }
    if (rest.length < size + 2) return undefined;
    body += rest.slice(0, size);
    rest = rest.slice(size + 2);
  }
}
