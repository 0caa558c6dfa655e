import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { eventually } from '#test/kit/eventually.ts';
import { allTo, startProxy } from '#test/kit/proxy.ts';
import { ok, startRawBackend } from '#test/kit/raw-backend.ts';
import { RawClient } from '#test/kit/raw-client.ts';

const MB = 1024 * 1024;
const BLOCK = Buffer.alloc(256 * 1024, 'backpressure in both directions. ');

/** A backend that sends `blocks` blocks as fast as they are taken, or swallows what it gets only when told. */
async function startServer(onConnection: (socket: net.Socket) => void): Promise<{ port: number; close(): void }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

test('a reader of 200 MB that pauses costs no memory, and gets every byte in the end', async () => {
  const blocks = (200 * MB) / BLOCK.length;
  let sent = 0;
  const server = await startServer((socket) => {
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${blocks * BLOCK.length}\r\n\r\n`);
      const send = (): void => {
        while (sent < blocks) {
          sent += 1;
          if (!socket.write(BLOCK)) {
            socket.once('drain', send);
            return;
          }
        }
      };
      send();
    });
  });
  const gateway = await startProxy({ snapshot: allTo(server.port) });
  const socket = net.connect(gateway.port, '127.0.0.1');
  try {
    const before = process.memoryUsage();
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => sent > 2);
    let last = -1;
    await eventually(
      async () => {
        const same = sent === last;
        last = sent;
        await new Promise((resolve) => setTimeout(resolve, 100));
        return same;
      },
      { timeoutMs: 10_000, what: 'the backend is stopped by the slow client' },
    );
    assert.ok(sent < blocks / 2, `the backend could send ${sent} of ${blocks} blocks`);
    const grown = process.memoryUsage().external - before.external;
    assert.ok(grown < 30 * MB, `buffers grew by ${Math.round(grown / MB)} MB`);
    const hash = createHash('sha1');
    let received = 0;
    let head = '';
    socket.on('data', (chunk: Buffer) => {
      let body = chunk;
      if (!head.includes('\r\n\r\n')) {
        const text = head + chunk.toString('latin1');
        const end = text.indexOf('\r\n\r\n');
        body = end === -1 ? Buffer.alloc(0) : Buffer.from(text.slice(end + 4), 'latin1');
        head = end === -1 ? text : text.slice(0, end + 4);
      }
      received += body.length;
      hash.update(body);
    });
    await eventually(() => received === blocks * BLOCK.length, { timeoutMs: 20_000 });
    const expected = createHash('sha1');
    for (let i = 0; i < blocks; i += 1) expected.update(BLOCK);
    assert.equal(hash.digest('hex'), expected.digest('hex'));
  } finally {
    socket.destroy();
    await gateway.close();
    server.close();
  }
});

for (const framing of ['length', 'chunked'] as const) {
  test(`an upload to a backend that does not read is held back at the client (${framing})`, async () => {
    let taken = 0;
    let release: () => void = () => undefined;
    const size = 64 * MB;
    const server = await startServer((socket) => {
      socket.pause();
      socket.on('data', (chunk: Buffer) => {
        taken += chunk.length;
        if (taken >= size) socket.write(ok('done'));
      });
      socket.pause();
      release = () => socket.resume();
    });
    const gateway = await startProxy({ snapshot: allTo(server.port) });
    const client = await RawClient.connect(gateway.port);
    try {
      const head = framing === 'length' ? `Content-Length: ${size}` : 'Transfer-Encoding: chunked';
      client.write(`PUT / HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n`);
      const chunk = Buffer.alloc(MB, 'x');
      let offered = 0;
      const offer = (): void => {
        while (offered < size) {
          offered += chunk.length;
          if (framing === 'chunked') client.socket.write(`${chunk.length.toString(16)}\r\n`);
          client.socket.write(chunk);
          if (framing === 'chunked') client.socket.write('\r\n');
          if (client.socket.writableNeedDrain) {
            client.socket.once('drain', offer);
            return;
          }
        }
        if (framing === 'chunked') client.socket.write('0\r\n\r\n');
      };
      offer();
      let last = -1;
      await eventually(
        async () => {
          const same = offered === last;
          last = offered;
          await new Promise((resolve) => setTimeout(resolve, 100));
          return same;
        },
        { timeoutMs: 10_000, what: 'the client is stopped' },
      );
      assert.ok(offered < size / 2, `the client could send ${offered} bytes`);
      release();
      assert.equal((await client.response()).body, 'done');
    } finally {
      client.destroy();
      await gateway.close();
      server.close();
    }
  });
}

test('a client that pipelines requests and reads no answer is made to wait', async () => {
  let requests = 0;
  const body = 'y'.repeat(30_000);
  const backend = await startRawBackend(({ socket }) => {
    requests += 1;
    socket.write(ok(body));
  });
  const gateway = await startProxy({ snapshot: allTo(backend.port) });
  const socket = net.connect(gateway.port, '127.0.0.1');
  try {
    socket.on('error', () => undefined);
    for (let i = 0; i < 5_000; i += 1) socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    let last = -1;
    await eventually(
      async () => {
        const same = requests > 0 && requests === last;
        last = requests;
        await new Promise((resolve) => setTimeout(resolve, 100));
        return same;
      },
      { timeoutMs: 10_000, what: 'no more requests are served' },
    );
    assert.ok(requests < 2_500, `${requests} requests were served to a client that reads nothing`);
  } finally {
    socket.destroy();
    await gateway.close();
    await backend.close();
  }
});
