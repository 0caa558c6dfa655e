import http from 'node:http';
import type { AddressInfo } from 'node:net';

export type Backend = {
  readonly address: string;
  readonly port: number;
  /** Requests answered so far. */
  readonly requests: () => number;
  /** At once: requests that it was about to answer are cut off, which no gateway may send again. */
  close(): Promise<void>;
  /** Takes no more connections, answers the requests that have come, and is gone. */
  finish(): Promise<void>;
};

export type BackendOptions = {
  readonly address?: string;
  readonly port?: number;
  readonly handler?: (request: http.IncomingMessage, response: http.ServerResponse) => void;
};

/** A real HTTP server that answers with its name; `/slow?ms=N` waits, as a slow application does. */
export function startBackend(name: string, options: BackendOptions = {}): Promise<Backend> {
  let answered = 0;
  let isFinishing = false;
  const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    answered += 1;
    if (isFinishing) response.shouldKeepAlive = false;
    if (options.handler !== undefined) return options.handler(request, response);
    const delay = Number(new URL(request.url ?? '/', 'http://backend').searchParams.get('ms') ?? 0);
    request.resume();
    setTimeout(() => response.end(`${name}\n`), delay);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.address ?? '127.0.0.1', () => {
      const { address, port } = server.address() as AddressInfo;
      resolve({
        address,
        port,
        requests: () => answered,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
        finish: () =>
          new Promise((closed) => {
            isFinishing = true;
            server.close(() => closed());
          }),
      });
    });
  });
}
