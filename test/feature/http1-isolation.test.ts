// Read buffers are shared by all connections: these tests look for bytes that went to the wrong one.
import assert from 'node:assert/strict';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { allTo, startProxy } from '#test/kit/proxy.ts';
import { RawClient } from '#test/kit/raw-client.ts';

/** Every byte of a body names its owner: 8 characters, repeated. */
function ownBody(owner: number, size: number): string {
  return `<${String(owner).padStart(6, '0')}>`.repeat(Math.ceil(size / 8)).slice(0, size);
}

/** Echoes bodies, in pieces of random size, some of them late. */
function startEcho(): Promise<{ port: number; close(): Promise<void> }> {
  const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    if (request.headers['x-length'] !== undefined)
      response.setHeader('content-length', String(request.headers['x-length']));
    void (async () => {
      for await (const part of request) {
        const chunk = part as Buffer;
        const cut = Math.floor(Math.random() * chunk.length);
        response.write(chunk.subarray(0, cut));
        await new Promise((resolve) => setImmediate(resolve));
        response.write(chunk.subarray(cut));
      }
      setTimeout(() => response.end(), Math.random() * 5);
    })();
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({
        port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}

for (const reads of ['shared', 'data'] as const) {
  test(`many clients with bodies of their own find no byte of another (${reads})`, async () => {
    const echo = await startEcho();
    const gateway = await startProxy({ snapshot: allTo(echo.port), reads });
    try {
      await Promise.all(
        Array.from({ length: 60 }, async (_, owner) => {
          const client = await RawClient.connect(gateway.port);
          for (let round = 0; round < 8; round += 1) {
            const size = 1 + Math.floor(Math.random() ** 3 * 200_000);
            const body = ownBody(owner, size);
            const chunked = Math.random() < 0.5;
            const head = `POST /${owner}/${round} HTTP/1.1\r\nHost: h${owner}\r\nX-Pad: ${ownBody(owner, Math.floor(Math.random() * 2_000))}\r\n`;
            const framed = chunked
              ? `${head}Transfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n${body}\r\n0\r\n\r\n`
              : `${head}Content-Length: ${size}\r\nX-Length: ${size}\r\n\r\n${body}`;
            for (let at = 0; at < framed.length; ) {
              const piece = 1 + Math.floor(Math.random() * 40_000);
              client.write(framed.slice(at, at + piece));
              at += piece;
              if (Math.random() < 0.3) await new Promise((resolve) => setImmediate(resolve));
            }
            if (Math.random() < 0.3) {
              client.socket.pause();
              setTimeout(() => client.socket.resume(), Math.random() * 20);
            }
            const response = await client.response();
            assert.equal(response.status, 200);
            assert.ok(
              response.body === body,
              `client ${owner} round ${round}: ${response.body.length} of ${size} bytes`,
            );
          }
          client.destroy();
        }),
      );
      assert.equal(gateway.errors.length, 0);
    } finally {
      await gateway.close();
      await echo.close();
    }
  });
}

test('partial heads of many clients, interleaved byte by byte, stay apart', async () => {
  const echo = await startEcho();
  const gateway = await startProxy({ snapshot: allTo(echo.port) });
  try {
    const clients = await Promise.all(Array.from({ length: 30 }, () => RawClient.connect(gateway.port)));
    const requests = clients.map(
      (_, owner) =>
        `POST /${owner} HTTP/1.1\r\nHost: h${owner}\r\nX-Length: 16\r\nContent-Length: 16\r\n\r\n${ownBody(owner, 16)}`,
    );
    for (let at = 0; at < 90; at += 1) {
      for (const [owner, client] of clients.entries()) client.write(requests[owner]?.[at] ?? '');
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const [owner, client] of clients.entries()) {
      assert.equal((await client.response()).body, ownBody(owner, 16));
      client.destroy();
    }
  } finally {
    await gateway.close();
    await echo.close();
  }
});

test('slow readers of distinct large responses get their own bytes, whatever queued meanwhile', async () => {
  const size = 3_000_000;
  const server = http.createServer((request, response) => response.end(ownBody(Number(request.url?.slice(1)), size)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const gateway = await startProxy({ snapshot: allTo((server.address() as AddressInfo).port) });
  try {
    await Promise.all(
      Array.from({ length: 12 }, async (_, owner) => {
        const socket = net.connect(gateway.port, '127.0.0.1');
        socket.write(`GET /${owner} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
        let text = '';
        for await (const chunk of socket) {
          text += (chunk as Buffer).toString('latin1');
          if (Math.random() < 0.2) await new Promise((resolve) => setTimeout(resolve, 2));
        }
        assert.ok(text.endsWith(`\r\n\r\n${ownBody(owner, size)}`), `client ${owner}`);
      }),
    );
  } finally {
    await gateway.close();
    server.close();
    server.closeAllConnections();
  }
});
