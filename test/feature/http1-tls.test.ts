import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { peerOf } from '#gateway/proxy/filter/client-address.ts';
import { TlsTerminator } from '#gateway/proxy/tls/terminator.ts';
import type { TlsServer } from '#gateway/snapshot/listener.ts';
import { makeCa, type TestCa } from '#test/kit/certificates.ts';
import { eventually } from '#test/kit/eventually.ts';
import { aListener, allTo, startProxy } from '#test/kit/proxy.ts';
import { startRawBackend } from '#test/kit/raw-backend.ts';

let ca: TestCa;
let gateway: Awaited<ReturnType<typeof startProxy>>;
let echo: http.Server;
let server: net.Server;
let port: number;

/** Echoes the body, or sends `?size=N` bytes, or ends in the middle of a promise. */
function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://x');
  const size = Number(url.searchParams.get('size') ?? 0);
  if (url.pathname === '/headers') response.end(JSON.stringify(request.headers));
  else if (url.pathname === '/broken') {
    response.writeHead(200, { 'content-length': 100 });
    response.write('half', () => request.socket.destroy());
  } else if (size > 0) response.end(Buffer.alloc(size, `${url.pathname.slice(1)}.`));
  else request.pipe(response);
}

before(async () => {
  ca = await makeCa();
  const certificate = await ca.issue({ names: ['a.example'] });
  echo = http.createServer({ keepAliveTimeout: 60_000 }, answer);
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  gateway = await startProxy({ snapshot: allTo((echo.address() as AddressInfo).port) });
  const terminator = new TlsTerminator({
    ticketKeys: randomBytes(48),
    handshakeMs: 5_000,
    contextCacheSize: 10,
    onSecure: (socket, info) =>
      gateway.proxy.serve(socket, {
        listener: 'http.31380',
        nodePort: info.nodePort,
        peer: peerOf(info.transport),
        tls: { serverName: info.serverName },
      }),
    onRefused: () => undefined,
  });
  const tlsServer: TlsServer = {
    key: 'default/gw/https',
    hosts: ['*'],
    certificate: certificate.key,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
  };
  const listener = aListener({
    key: 'https.31390',
    gatewayPort: 443,
    nodePorts: [31390],
    protocol: 'HTTPS',
    tls: [tlsServer],
  });
  terminator.commit(terminator.prepare({ [listener.key]: listener }, { [certificate.key]: certificate }));
  server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
    terminator.accept(socket, listener.key, 31390),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

after(async () => {
  await gateway.close();
  server.close();
  echo.close();
  echo.closeAllConnections();
});

function connect(maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3'): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'a.example', ca: ca.certificatePem, maxVersion });
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
  });
}

async function readAll(socket: tls.TLSSocket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += (chunk as Buffer).toString('latin1');
  return text;
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`requests over ${version}: keep-alive, https in the forwarded headers, an orderly end`, async () => {
    const socket = await connect(version);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.write('GET /headers HTTP/1.1\r\nHost: a.example\r\n\r\n');
    await eventually(() => text.includes('"x-forwarded-proto":"https"'));
    text = '';
    socket.write('GET /headers HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
    await eventually(() => text.includes('connection: close') && socket.readableEnded);
    assert.equal(gateway.log.at(-1)?.serverName, 'a.example');
    socket.destroy();
  });
}

test('a request that comes in the very packet that ends the handshake is not lost', async () => {
  for (let i = 0; i < 20; i += 1) {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'a.example', ca: ca.certificatePem });
    socket.write('GET /headers HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
    assert.match(await readAll(socket), /^HTTP\/1\.1 200 OK/);
  }
});

test('a client that ends its half over TLS still gets its answer', async () => {
  const socket = await connect();
  socket.end('POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello');
  assert.match(await readAll(socket), /\r\n\r\n(5\r\n)?hello/);
});

test('the end of a TLS client overtakes no body that waits for a connection to the backend', async () => {
  const body = 'b'.repeat(9_000);
  const answers = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const socket = await connect();
      socket.end(`POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      return readAll(socket);
    }),
  );
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 200 OK/);
});

test('a response that breaks off does not end like a whole one', async () => {
  const socket = await connect();
  socket.on('error', () => undefined);
  socket.write('GET /broken HTTP/1.1\r\nHost: a.example\r\n\r\n');
  let closed = false;
  socket.on('close', () => {
    closed = true;
  });
  socket.resume();
  await eventually(() => closed);
  assert.equal(gateway.log.at(-1)?.flags, 'UC');
});

test('many TLS clients with bodies of their own, in both directions, find no byte of another', async () => {
  await Promise.all(
    Array.from({ length: 24 }, async (_, owner) => {
      const mark = `<${String(owner).padStart(6, '0')}>`;
      for (const size of [8, 8_000, 80_000, 800_000]) {
        const body = mark.repeat(size / 8);
        const socket = await connect(owner % 2 === 0 ? 'TLSv1.3' : 'TLSv1.2');
        const head = `POST /${owner} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`;
        socket.write(head + body.slice(0, 100));
        await new Promise((resolve) => setImmediate(resolve));
        socket.write(body.slice(100));
        const text = await readAll(socket);
        const echoed = decodeChunks(text.slice(text.indexOf('\r\n\r\n') + 4));
        assert.ok(echoed === body, `client ${owner}, ${size} bytes: got ${echoed.length}`);
      }
    }),
  );
  assert.equal(gateway.errors.length, 0);
});

test('a TLS reader that pauses gets its own bytes in the end, and holds up only its own backend', async () => {
  const size = 16 * 1024 * 1024;
  const sockets = await Promise.all(Array.from({ length: 4 }, () => connect()));
  for (const [owner, socket] of sockets.entries()) {
    socket.write(`GET /${owner}234567?size=${size} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`);
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  await Promise.all(
    sockets.map(async (socket, owner) => {
      const text = await readAll(socket);
      const body = text.slice(text.indexOf('\r\n\r\n') + 4);
      assert.ok(body === Buffer.alloc(size, `${owner}234567.`).toString('latin1'), `client ${owner}`);
    }),
  );
});

test('a WebSocket tunnel works over TLS', async () => {
  const backend = await startRawBackend(({ socket }) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello'),
  );
  gateway.serve({ ...allTo(backend.port) });
  const socket = await connect();
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.write('GET / HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
  await eventually(() => text.endsWith('hello'));
  socket.write('from client');
  await eventually(() => backend.bytes().endsWith('from client'));
  socket.destroy();
  await eventually(() => backend.connections[0]?.gone);
  await backend.close();
});

function decodeChunks(text: string): string {
  let body = '';
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (!(size > 0)) return body;
    body += text.slice(end + 2, end + 2 + size);
    at = end + 4 + size;
  }
}
