// Read buffers are shared by all connections: these tests look for bytes that went to the wrong one.
import assert from 'node:assert/strict';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { eventually } from '#test/kit/eventually.ts';
import { allTo, startProxy } from '#test/kit/proxy.ts';
import { startRawBackend } from '#test/kit/raw-backend.ts';
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

/** Checks a stream that should be one owner's mark over and over. */
class MarkCheck {
  received = 0;
  readonly #mark: Buffer;

  constructor(owner: number) {
    this.#mark = Buffer.from(ownBody(owner, 8).repeat(16_384));
  }

  take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const from = this.received % 8;
      const length = Math.min(chunk.length - at, this.#mark.length - 8);
      const expected = this.#mark.subarray(from, from + length);
      const got = chunk.subarray(at, at + length);
      assert.ok(got.equals(expected), `foreign bytes near ${this.received}: ${got.toString('latin1').slice(0, 80)}`);
      at += length;
      this.received += length;
    }
  }
}

/** Waits until a number has not changed for a while. */
async function settled(value: () => number): Promise<void> {
  let last = -1;
  await eventually(
    async () => {
      const same = value() === last;
      last = value();
      await new Promise((resolve) => setTimeout(resolve, 150));
      return same && last > 0;
    },
    { timeoutMs: 15_000 },
  );
}

const STREAM_BYTES = 24 * 1024 * 1024;
const STREAMS = 6;

/** Sends `STREAM_BYTES` of an owner's mark, as fast as they are taken. */
function sendMarks(socket: net.Socket, owner: number, onSent: (bytes: number) => void): void {
  const block = Buffer.from(ownBody(owner, 65_536));
  let left = STREAM_BYTES;
  const send = (): void => {
    while (left > 0) {
      left -= block.length;
      onSent(block.length);
      if (!socket.write(block)) {
        socket.once('drain', send);
        return;
      }
    }
  };
  send();
}

test('responses that wait in the gateway for slow readers are not overwritten by what others receive', async () => {
  let sent = 0;
  const backend = await startRawBackend(({ socket }, head) => {
    const owner = Number(/^GET \/(\d+)/.exec(head)?.[1]);
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${STREAM_BYTES}\r\n\r\n`);
    sendMarks(socket, owner, (bytes) => {
      sent += bytes;
    });
  });
  const gateway = await startProxy({ snapshot: allTo(backend.port) });
  const sockets = Array.from({ length: STREAMS }, () => net.connect(gateway.port, '127.0.0.1'));
  try {
    for (const [owner, socket] of sockets.entries()) socket.write(`GET /${owner} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await settled(() => sent);
    assert.ok(sent < STREAM_BYTES * STREAMS, 'something waits');
    await Promise.all(
      sockets.map(async (socket, owner) => {
        const check = new MarkCheck(owner);
        let head = '';
        for await (const part of socket) {
          const chunk = part as Buffer;
          if (head.endsWith('\r\n\r\n')) check.take(chunk);
          else {
            const text = chunk.toString('latin1');
            const end = text.indexOf('\r\n\r\n') + 4;
            head = text.slice(0, end);
            check.take(chunk.subarray(end));
          }
          if (check.received === STREAM_BYTES) break;
        }
        assert.equal(check.received, STREAM_BYTES);
      }),
    );
  } finally {
    for (const socket of sockets) socket.destroy();
    await gateway.close();
    await backend.close();
  }
});

test('uploads that wait in the gateway for slow backends are not overwritten by what others send', async () => {
  const uploads = new Map<net.Socket, Buffer[]>();
  const server = net.createServer((socket) => {
    socket.pause();
    uploads.set(socket, []);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const gateway = await startProxy({ snapshot: allTo((server.address() as AddressInfo).port) });
  const sockets = Array.from({ length: STREAMS }, () => net.connect(gateway.port, '127.0.0.1'));
  let sent = 0;
  try {
    for (const [owner, socket] of sockets.entries()) {
      socket.on('error', () => undefined);
      socket.write(`PUT /${owner} HTTP/1.1\r\nHost: a\r\nContent-Length: ${STREAM_BYTES}\r\n\r\n`);
      sendMarks(socket, owner, (bytes) => {
        sent += bytes;
      });
    }
    await settled(() => sent);
    assert.ok(sent < STREAM_BYTES * STREAMS, 'something waits');
    await Promise.all(
      [...uploads.keys()].map(async (socket) => {
        let check: MarkCheck | undefined;
        let head = '';
        for await (const part of socket) {
          const chunk = part as Buffer;
          if (check !== undefined) check.take(chunk);
          else {
            head += chunk.toString('latin1');
            const end = head.indexOf('\r\n\r\n');
            if (end === -1) continue;
            check = new MarkCheck(Number(/^PUT \/(\d+)/.exec(head)?.[1]));
            check.take(Buffer.from(head.slice(end + 4), 'latin1'));
          }
          if (check?.received === STREAM_BYTES) break;
        }
        assert.equal(check?.received, STREAM_BYTES);
      }),
    );
    assert.equal(uploads.size, STREAMS);
  } finally {
    for (const socket of sockets) socket.destroy();
    await gateway.close();
    for (const socket of uploads.keys()) socket.destroy();
    server.close();
  }
});
