import net, { type AddressInfo } from 'node:net';

/** One connection that the gateway opened, with every byte it sent. */
export type BackendConnection = {
  readonly socket: net.Socket;
  readonly index: number;
  received: string;
  /** Heads seen so far on this connection. */
  requests: number;
  /** The gateway has ended or broken the connection. */
  gone: boolean;
};

export type RawBackend = {
  readonly port: number;
  readonly connections: BackendConnection[];
  /** All bytes of all connections, in order of connections. */
  readonly bytes: () => string;
  readonly close: () => Promise<void>;
};

/** Answers a request whose head has come whole; `head` has its empty line. */
export type RawHandler = (connection: BackendConnection, head: string) => void;

/**
 * A backend that records raw bytes and answers raw bytes. `onRequest` is called once for each head; bodies are
 * left in `received` for the test to look at.
 */
export async function startRawBackend(
  onRequest: RawHandler,
  options: { port?: number; onConnection?: (connection: BackendConnection) => void } = {},
): Promise<RawBackend> {
  const connections: BackendConnection[] = [];
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection: BackendConnection = {
      socket,
      index: connections.length,
      received: '',
      requests: 0,
      gone: false,
    };
    connections.push(connection);
    options.onConnection?.(connection);
    let unread = '';
    let bodyLeft = 0;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      connection.received += text;
      const body = Math.min(bodyLeft, text.length);
      bodyLeft -= body;
      unread += text.slice(body);
      for (;;) {
        const end = unread.search(/\r\n\r\n/);
        const start = unread.search(/[A-Z]+ \S+ HTTP\/1\.1\r\n/);
        if (start === -1 || end < start) break;
        const head = unread.slice(start, end + 4);
        unread = unread.slice(end + 4);
        bodyLeft = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
        const came = Math.min(bodyLeft, unread.length);
        bodyLeft -= came;
        unread = unread.slice(came);
        connection.requests += 1;
        onRequest(connection, head);
      }
    });
    socket.on('end', () => {
      connection.gone = true;
    });
    socket.on('close', () => {
      connection.gone = true;
    });
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    bytes: () => connections.map((connection) => connection.received).join(''),
    close: () =>
      new Promise((resolve) => {
        for (const { socket } of connections) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** An ordinary answer with a body of known length. */
export function ok(body: string, headers = ''): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${headers}\r\n${body}`;
}
