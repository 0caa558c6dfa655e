/**
 * Promises the admin API on a TCP address (token, known Host, TLS when not loopback) and on a private unix socket.
 * Never serves traffic or health, never holds configuration: all it knows comes from the backend.
 * Called by the control role.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { hostname } from 'node:os';
import { type AdminAddress, checkAdminAddress } from './address.ts';
import { type ErrorCode, errorBody, errorStatus } from './api/errors.ts';
import { createApp } from './app.ts';
import { createGuard } from './auth/guard.ts';
import { openToken } from './auth/token.ts';
import type { AdminLog } from './log.ts';
import { listenOnUnixSocket } from './unix-socket.ts';
import type { AdminBackend } from './views.ts';

export type AdminOptions = {
  /** `Settings.admin`. */
  readonly admin: AdminAddress & { readonly socket: string };
  /** Where the token is kept. */
  readonly stateDir: string;
  readonly backend: AdminBackend;
  readonly programVersion: string;
  readonly log: AdminLog;
};

export type AdminServer = {
  readonly tokenFile: string;
  /**
   * Serves the TCP address beside the socket; resolves with the port (settings may say 0). Rejects with one sentence when
   * it cannot, and may then be called again: whoever asks by the socket learns why.
   */
  listen(): Promise<number>;
  /** Stops listening, lets running requests end for up to two seconds, removes the socket. */
  close(): Promise<void>;
};

const CLOSE_MS = 2_000;
const serverOptions = {
  requestTimeout: 10_000,
  headersTimeout: 5_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16 * 1024,
  // A missing Host is answered by our own check, in our own words.
  requireHostHeader: false,
} satisfies http.ServerOptions;
const MAX_CONNECTIONS = 256;

/** Opens the unix socket; rejects with one sentence when the address, the token file or the socket path cannot be used. */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const { admin, log } = options;
  const refusal = checkAdminAddress(admin);
  if (refusal !== undefined) throw new Error(refusal);
  const token = openToken(options.stateDir, log);
  const scheme = admin.tls === undefined ? 'http' : 'https';
  const hosts = new Set(['localhost', '127.0.0.1', '::1', admin.address.toLowerCase()]);
  const local = new WeakSet<http.IncomingMessage>();
  const app = await createApp({
    backend: options.backend,
    programVersion: options.programVersion,
    guard: createGuard({ token, allowedHosts: hosts, scheme, log }),
    isLocal: (request) => local.has(request),
    log,
  });
  const handle: http.RequestListener = (request, response) => app.routing(request, response);
  const unix = prepare(
    http.createServer(serverOptions, (request, response) => {
      local.add(request);
      handle(request, response);
    }),
  );
  const removeSocket = await listenOnUnixSocket(unix, admin.socket);
  log.info({ socket: admin.socket, tokenFile: token.file }, 'admin API listens on its socket');
  const servers = [unix];
  return {
    tokenFile: token.file,
    async listen() {
      const tls = readTls(admin);
      const tcp = prepare(
        tls === undefined
          ? http.createServer(serverOptions, handle)
          : https.createServer({ ...serverOptions, cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' }, handle),
      );
      // A name of our own certificate cannot be rebound: the browser would have refused another server's name.
      if (tls !== undefined && tls.names.length > 0)
        for (const name of [hostname(), ...tls.names]) hosts.add(name.toLowerCase());
      await listenOnTcp(tcp, admin);
      servers.push(tcp);
      const { port } = tcp.address() as AddressInfo;
      log.info({ address: admin.address, port, scheme }, 'admin API listens');
      return port;
    },
    async close() {
      removeSocket();
      await Promise.all(servers.map(closeServer));
      await app.close();
    },
  };
}

type TlsFiles = { readonly cert: string; readonly key: string; readonly names: readonly string[] };

function readTls({ tls }: AdminAddress): TlsFiles | undefined {
  if (tls === undefined) return undefined;
  const cert = readFileSync(tls.certificate, 'utf8');
  const names = [...(new X509Certificate(cert).subjectAltName ?? '').matchAll(/DNS:([^,\s"]+)/g)].map(
    ([, name = '']) => name,
  );
  return { cert, key: readFileSync(tls.privateKey, 'utf8'), names };
}

function prepare<S extends http.Server>(server: S): S {
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', answerClientError);
  return server;
}

const clientErrorCodes: Readonly<Record<string, ErrorCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
  HPE_HEADER_OVERFLOW: 'header-too-large',
};
const clientErrorMessages = {
  'request-timeout': 'The request did not arrive in time.',
  'header-too-large': 'The header fields are too large.',
  'bad-request': 'This is not valid HTTP/1.1.',
} as const;

/** What node:http cannot parse gets the same error shape as everything else. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const code = (clientErrorCodes[error.code ?? ''] ?? 'bad-request') as keyof typeof clientErrorMessages;
  const status = errorStatus[code];
  const body = JSON.stringify(errorBody(code, clientErrorMessages[code]));
  socket.end(
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function listenOnTcp(server: http.Server, { address, port }: AdminAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const why =
        error.code === 'EADDRINUSE' ? 'it is in use: stop the other program or set admin.port' : error.message;
      reject(new Error(`The admin API cannot listen on ${address} port ${port}: ${why}.`, { cause: error }));
    };
    server.once('error', fail);
    server.listen({ host: address, port }, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

function closeServer(server: http.Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
