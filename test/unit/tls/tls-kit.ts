import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { type SecureInfo, TlsTerminator } from '#gateway/proxy/tls/terminator.ts';
import type { Certificate } from '#gateway/snapshot/certificate.ts';
import type { Listener, TlsServer } from '#gateway/snapshot/listener.ts';

export const LISTENER = 'https.31390';

/** A TLS server with good defaults. */
export function aTlsServer(overrides: Partial<TlsServer> & Pick<TlsServer, 'hosts' | 'certificate'>): TlsServer {
  return { key: `default/gateway/${overrides.hosts[0]}`, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', ...overrides };
}

export function anHttpsListener(tls: readonly TlsServer[]): Listener {
  return { key: LISTENER, gatewayPort: 443, nodePorts: [31_390], protocol: 'HTTPS', tls };
}

/** A terminator behind a real listening socket, and what it reported. */
export type Harness = {
  readonly terminator: TlsTerminator;
  readonly secured: SecureInfo[];
  readonly refused: string[];
  readonly port: number;
  load(listener: Listener, certificates: readonly Certificate[]): void;
  /** Replaces what happens with secure sockets; the default says `hello` and closes. */
  onSecure: (socket: TLSSocket, info: SecureInfo) => void;
  close(): Promise<void>;
};

export async function startTerminator(
  options: { ticketKeys?: Buffer; handshakeMs?: number; contextCacheSize?: number; pauseOnConnect?: boolean } = {},
): Promise<Harness> {
  const sockets = new Set<Socket>();
  const terminator = new TlsTerminator({
    ticketKeys: options.ticketKeys ?? Buffer.alloc(48, 7),
    handshakeMs: options.handshakeMs ?? 5_000,
    contextCacheSize: options.contextCacheSize ?? 10,
    onSecure: (socket, info) => {
      harness.secured.push(info);
      harness.onSecure(socket, info);
    },
    onRefused: (reason) => harness.refused.push(reason),
  });
  const server: Server = createServer({ pauseOnConnect: options.pauseOnConnect ?? false, noDelay: true }, (socket) => {
    sockets.add(socket);
    terminator.accept(socket, LISTENER, 31390);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const harness: Harness = {
    terminator,
    secured: [],
    refused: [],
    port: (server.address() as AddressInfo).port,
    load: (listener, certificates) => {
      const byKey = Object.fromEntries(certificates.map((certificate) => [certificate.key, certificate]));
      terminator.commit(terminator.prepare({ [listener.key]: listener }, byKey));
    },
    onSecure: (socket) => socket.end('hello'),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return harness;
}

/** What a client saw of one connection. */
export type Visit = {
  readonly text: string;
  readonly fingerprint: string;
  readonly protocol: string | null;
  readonly alpn: string | false | null;
  readonly resumed: boolean;
  readonly session: Buffer | undefined;
};

/** Connects, reads to the end; rejects with the handshake's error. */
export async function visit(port: number, options: ConnectionOptions): Promise<Visit> {
  const socket = tlsConnect({ port, host: '127.0.0.1', ...options });
  let session: Buffer | undefined;
  let text = '';
  socket.on('session', (ticket: Buffer) => (session = ticket));
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => (text += chunk));
  await once(socket, 'secureConnect');
  const seen = {
    fingerprint: socket.getPeerCertificate().fingerprint256?.replaceAll(':', '').toLowerCase() ?? '',
    protocol: socket.getProtocol(),
    alpn: socket.alpnProtocol,
    resumed: socket.isSessionReused(),
  };
  if (!socket.closed) await once(socket, 'close');
  return { ...seen, text, session };
}

/** Sends raw bytes and collects the answer until the peer closes. */
export async function rawVisit(port: number, pieces: readonly Buffer[]): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  await once(socket, 'connect');
  for (const piece of pieces) await new Promise((resolve) => socket.write(piece, resolve));
  if (!socket.closed) await once(socket, 'close');
  return Buffer.concat(chunks);
}

/** The first bytes that a real client sends: its ClientHello records. */
export async function captureClientHello(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = tlsConnect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', ...options });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  let bytes = Buffer.alloc(0);
  while (bytes.length < 5 || bytes.length < 5 + bytes.readUInt16BE(3)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    bytes = Buffer.concat([bytes, chunk]);
  }
  socket.destroy();
  client.destroy();
  server.close();
  return bytes;
}
