import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '#test/kit/eventually.ts';
import { setUp } from '#test/kit/proxied-backend.ts';
import { ok } from '#test/kit/raw-backend.ts';
import { exchangeRaw, RawClient } from '#test/kit/raw-client.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

test('slowloris: a head that keeps trickling gets 408 when its time is over, while others are served', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')), { timeouts: { headerMs: 300 } });
  const slow = await Promise.all(Array.from({ length: 50 }, () => RawClient.connect(kit.gateway.port)));
  for (const client of slow) client.write('GET / HTTP/1.1\r\nHost: a\r\n');
  const trickle = setInterval(() => {
    for (const client of slow) if (client.socket.writable) client.write('X: y\r\n');
  }, 40);
  try {
    assert.equal((await exchangeRaw(kit.gateway.port, GET)).status, 200);
    for (const client of slow) {
      const response = await client.response();
      assert.deepEqual([response.status, response.headers['connection']], [408, 'close']);
      await client.over();
    }
  } finally {
    clearInterval(trickle);
    for (const client of slow) client.destroy();
  }
  assert.equal(kit.gateway.log.filter((line) => line.details === 'request_header_timeout').length, 50);
  await eventually(() => kit.gateway.proxy.connections === 0);
});

test('a body that stops coming gets 408, one that keeps coming does not', async () => {
  await using kit = await setUp(
    (connection) => {
      const check = setInterval(() => {
        if (!connection.received.endsWith('!')) return;
        clearInterval(check);
        connection.socket.write(ok('x'));
      }, 5);
      connection.socket.on('close', () => clearInterval(check));
    },
    { timeouts: { bodyIdleMs: 300 } },
  );
  const stopping = await RawClient.connect(kit.gateway.port);
  stopping.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab');
  const keeping = await RawClient.connect(kit.gateway.port);
  keeping.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n');
  for (let i = 0; i < 8; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    keeping.write('.');
  }
  keeping.write('!');
  assert.equal((await keeping.response()).status, 200);
  assert.equal((await stopping.response()).status, 408);
  assert.equal(kit.gateway.log.find((line) => line.status === 408)?.details, 'request_body_timeout');
  keeping.destroy();
  stopping.destroy();
});

test('an idle keep-alive connection ends after its time, without an answer', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')), { timeouts: { keepAliveMs: 200 } });
  const client = await RawClient.connect(kit.gateway.port);
  client.write(GET);
  await client.response();
  await client.over();
  assert.equal(client.received, '');
  const silent = await RawClient.connect(kit.gateway.port);
  await silent.over();
  assert.equal(silent.received, '');
});

test('a slow response is no idle connection', async () => {
  await using kit = await setUp(({ socket }) => setTimeout(() => socket.write(ok('late')), 500), {
    timeouts: { keepAliveMs: 150, headerMs: 150, bodyIdleMs: 150 },
  });
  assert.equal((await exchangeRaw(kit.gateway.port, GET)).body, 'late');
});

test('a response that stops moving is broken off after the idle time of streams', async () => {
  await using kit = await setUp(({ socket }) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab'), {
    timeouts: { streamIdleMs: 200 },
  });
  const client = await RawClient.connect(kit.gateway.port);
  client.write(GET);
  await client.over();
  assert.equal(kit.gateway.log[0]?.flags, 'SI');
  await eventually(() => kit.backend.connections[0]?.gone);
});

test('a client that never closes its half is cut off soon after the last answer', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')));
  const client = await RawClient.connect(kit.gateway.port);
  client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await client.response();
  await eventually(() => kit.gateway.proxy.connections === 0, { timeoutMs: 4_000 });
  client.destroy();
});

test('a request body that keeps moving behind an early response is no idle stream', async () => {
  await using kit = await setUp(
    ({ socket }) => socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n'),
    { timeouts: { streamIdleMs: 400 } },
  );
  const client = await RawClient.connect(kit.gateway.port);
  client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  await client.until('1\r\na\r\n');
  for (let i = 0; i < 10; i += 1) {
    client.write('1\r\nb\r\n');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.equal(client.closed, false);
  kit.backend.connections[0]?.socket.write('0\r\n\r\n');
  assert.equal((await client.response()).status, 200);
  client.destroy();
});
