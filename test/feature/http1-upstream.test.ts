import assert from 'node:assert/strict';
import net, { type AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { eventually } from '#test/kit/eventually.ts';
import { setUp } from '#test/kit/proxied-backend.ts';
import { aCluster, aDelta, allTo, aRoute, aSnapshot, aVirtualHost, forwardTo } from '#test/kit/proxy.ts';
import { ok, type RawHandler, startRawBackend } from '#test/kit/raw-backend.ts';
import { exchangeRaw, RawClient } from '#test/kit/raw-client.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi';

/** A port nobody listens on. */
async function deadPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function clusterOf(ports: readonly number[], over: Parameters<typeof aCluster>[1] = {}) {
  const cluster = aCluster(ports, over);
  return aSnapshot({ virtualHosts: [aVirtualHost('*', [aRoute(forwardTo([cluster.key]))])], clusters: [cluster] });
}

describe('faults are answered with their status, flag and a small plain body', () => {
  test('no endpoint: 503 UH', async () => {
    await using kit = await setUp(() => undefined, { snapshot: clusterOf([]) });
    const response = await exchangeRaw(kit.gateway.port, GET);
    assert.deepEqual([response.status, response.body], [503, 'no healthy upstream\n']);
    assert.deepEqual([kit.gateway.log[0]?.flags, kit.gateway.log[0]?.details], ['UH', 'no_healthy_upstream']);
  });

  test('a cluster that does not exist: 503 NC', async () => {
    await using kit = await setUp(() => undefined, {
      snapshot: aSnapshot({ virtualHosts: [aVirtualHost('*', [aRoute(forwardTo(['gone']))])] }),
    });
    assert.equal((await exchangeRaw(kit.gateway.port, GET)).status, 503);
    assert.equal(kit.gateway.log[0]?.flags, 'NC');
  });

  test('connection refused: 503 UF', async () => {
    await using kit = await setUp(() => undefined, { snapshot: clusterOf([await deadPort()]) });
    assert.equal((await exchangeRaw(kit.gateway.port, POST)).status, 503);
    assert.deepEqual([kit.gateway.log[0]?.flags, kit.gateway.log[0]?.transportFailure], ['UF', 'ECONNREFUSED']);
    assert.equal(kit.gateway.metrics.counters.upstream_connect_failures, 3, 'tried three times');
  });

  test('an endpoint that is silent or out of reach: 503 UF within the connect timeout', async () => {
    await using kit = await setUp(() => undefined, {
      snapshot: clusterOf([], { connectTimeoutMs: 100, endpoints: [{ address: '192.0.2.1', port: 9, weight: 1 }] }),
    });
    const response = await exchangeRaw(kit.gateway.port, GET);
    assert.equal(response.status, 503);
    assert.equal(kit.gateway.log[0]?.flags, 'UF');
  });

  test('reset before the response: 503 UC, and a request on a fresh connection is not sent twice', async () => {
    await using kit = await setUp(({ socket }) => socket.resetAndDestroy());
    assert.equal((await exchangeRaw(kit.gateway.port, GET)).status, 503);
    assert.equal(kit.gateway.log[0]?.flags, 'UC');
    assert.equal(kit.backend.connections.length, 1);
  });

  test('closed without a response: 503 UC', async () => {
    await using kit = await setUp(({ socket }) => socket.end());
    assert.equal((await exchangeRaw(kit.gateway.port, GET)).status, 503);
    assert.equal(kit.gateway.log[0]?.flags, 'UC');
  });

  test('too many requests pending: 503 UO', async () => {
    const waiting: net.Socket[] = [];
    await using kit = await setUp(({ socket }) => void waiting.push(socket), { limits: { pendingPerCluster: 2 } });
    const clients = await Promise.all([1, 2].map(() => RawClient.connect(kit.gateway.port)));
    for (const client of clients) client.write(GET);
    await eventually(() => waiting.length === 2);
    const overflowing = await exchangeRaw(kit.gateway.port, GET);
    assert.equal(overflowing.status, 503);
    assert.equal(kit.gateway.log[0]?.flags, 'UO');
    for (const socket of waiting) socket.write(ok('x'));
    for (const client of clients) assert.equal((await client.response()).status, 200);
    for (const client of clients) client.destroy();
  });

  test('the response does not come in the time of the route: 504 UT', async () => {
    const backend = await startRawBackend(() => undefined);
    await using kit = await setUp(() => undefined, { snapshot: allTo(backend.port, 100) });
    const response = await exchangeRaw(kit.gateway.port, GET);
    assert.deepEqual([response.status, response.body], [504, 'upstream request timeout\n']);
    assert.deepEqual([kit.gateway.log[0]?.flags, kit.gateway.log[0]?.details], ['UT', 'response_timeout']);
    await eventually(() => backend.connections[0]?.gone);
    await backend.close();
  });

  test('the response does not come in the time of the settings: 504 UT', async () => {
    await using kit = await setUp(() => undefined, { timeouts: { responseMs: 100 } });
    assert.equal((await exchangeRaw(kit.gateway.port, GET)).status, 504);
  });

  test('a response that began but does not end in the time of the route is broken off', async () => {
    const backend = await startRawBackend(({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab'),
    );
    await using kit = await setUp(() => undefined, { snapshot: allTo(backend.port, 150) });
    const client = await RawClient.connect(kit.gateway.port);
    client.write(GET);
    await client.over();
    assert.ok(client.received.endsWith('ab'));
    assert.deepEqual([kit.gateway.log[0]?.status, kit.gateway.log[0]?.flags], [200, 'UT']);
    await backend.close();
  });
});

test('an endpoint that refuses connections is passed over: no request fails while another lives', async () => {
  const dead = await deadPort();
  const backend = await startRawBackend(({ socket }) => socket.write(ok('alive')));
  await using kit = await setUp(() => undefined, { snapshot: clusterOf([dead, backend.port]) });
  for (let i = 0; i < 6; i += 1) assert.equal((await exchangeRaw(kit.gateway.port, POST)).body, 'alive');
  assert.ok(kit.gateway.metrics.counters.upstream_retries >= 2);
  await backend.close();
});

test('a streamed body survives the change to another endpoint: nothing of it was sent before the connection stood', async () => {
  const dead = await deadPort();
  const backend = await startRawBackend((connection) => {
    const check = setInterval(() => {
      if (!connection.received.endsWith('END')) return;
      clearInterval(check);
      connection.socket.write(ok('got it'));
    }, 5);
  });
  await using kit = await setUp(() => undefined, { snapshot: clusterOf([dead, backend.port]) });
  for (let i = 0; i < 3; i += 1) {
    const body = `${'x'.repeat(100_000)}END`;
    const response = await exchangeRaw(
      kit.gateway.port,
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    assert.equal(response.body, 'got it');
  }
  await backend.close();
});

/** Answers once per connection, then breaks it when the next request comes, as a server does whose idle time is over. */
const stale: RawHandler = ({ socket, requests }) => {
  if (requests === 1) socket.write(ok('first'));
  else socket.resetAndDestroy();
};

test('on a stale connection an idempotent request is sent again on a fresh one', async () => {
  await using kit = await setUp(stale);
  assert.equal((await exchangeRaw(kit.gateway.port, GET)).body, 'first');
  assert.equal((await exchangeRaw(kit.gateway.port, GET)).body, 'first');
  const put = 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi';
  assert.equal((await exchangeRaw(kit.gateway.port, put)).body, 'first');
  assert.ok(kit.backend.connections[2]?.received.endsWith('\r\n\r\nhi'), 'with its body');
  assert.equal(kit.gateway.metrics.counters.upstream_retries, 2);
});

test('on a stale connection a POST is not sent again: it may have been acted upon', async () => {
  await using kit = await setUp(stale);
  assert.equal((await exchangeRaw(kit.gateway.port, GET)).body, 'first');
  assert.equal((await exchangeRaw(kit.gateway.port, POST)).status, 503);
  assert.equal(kit.gateway.log[1]?.flags, 'UC');
  assert.equal(kit.backend.bytes().match(/POST/g)?.length, 1);
});

/** A server that ends: it breaks the connection that it has, then the one that it still takes. */
const ending: RawHandler = ({ socket, index, requests }) => {
  if (index === 0 && requests === 1) socket.write(ok('near'));
  else socket.resetAndDestroy();
};

test('a server that ends also breaks the fresh connection after the stale one: another endpoint is asked, on a fresh one', async (t) => {
  const far = await startRawBackend(stale);
  t.after(() => far.close());
  await using kit = await setUp(ending, { snapshot: clusterOf([far.port]) });
  const ask = () => exchangeRaw(kit.gateway.port, GET);
  assert.equal((await ask()).body, 'first', 'so that one is kept that will be stale');
  const cluster = aCluster([kit.backend.port, { address: '127.0.0.1', port: far.port, weight: 1, priority: 1 }]);
  kit.gateway.serve(aDelta(1, 2, { clusters: [cluster] }));
  assert.equal((await ask()).body, 'near');
  assert.equal((await ask()).body, 'first');
  assert.deepEqual([kit.backend.connections.length, far.connections.length], [2, 2]);
  assert.equal(kit.gateway.metrics.counters.upstream_retries, 2);
});

test('the next request of the same client uses kept connections again, and its own luck with fresh ones', async (t) => {
  let breaks = false;
  await using kit = await setUp(({ socket, index, requests }) => {
    if (breaks || (index === 0 && requests === 2)) socket.resetAndDestroy();
    else socket.write(ok('near'));
  });
  const client = await RawClient.connect(kit.gateway.port);
  t.after(() => client.socket.destroy());
  const ask = () => {
    client.write(GET);
    return client.response();
  };
  for (let i = 0; i < 3; i += 1) assert.equal((await ask()).body, 'near');
  assert.equal(
    kit.backend.connections.length,
    2,
    'the second request met a stale one, the third used what that opened',
  );
  for (const { socket } of kit.backend.connections) socket.destroy();
  await eventually(() => kit.gateway.proxy.readings().gauges.upstream_connections_idle === 0);
  breaks = true;
  assert.equal((await ask()).status, 503);
  assert.equal(kit.backend.connections.length, 3, 'not asked twice');
});

test('what breaks every connection is asked three times, not for ever: 503 UC', async () => {
  await using kit = await setUp(ending);
  assert.equal((await exchangeRaw(kit.gateway.port, GET)).body, 'near');
  assert.equal((await exchangeRaw(kit.gateway.port, GET)).status, 503);
  assert.equal(kit.gateway.log[1]?.flags, 'UC');
  assert.equal(kit.backend.connections.length, 3);
});

test('once a byte of a response has come, nothing is sent again', async () => {
  await using kit = await setUp(({ socket, requests }) => {
    if (requests === 1) socket.write(ok('first'));
    else {
      socket.write('HTTP/1.1 20');
      setTimeout(() => socket.resetAndDestroy(), 20);
    }
  });
  assert.equal((await exchangeRaw(kit.gateway.port, GET)).body, 'first');
  assert.equal((await exchangeRaw(kit.gateway.port, GET)).status, 503);
  assert.equal(kit.backend.connections.length, 1);
});

test('a connection that the backend has closed while idle is not used', async () => {
  await using kit = await setUp(({ socket, requests }) => {
    socket.write(ok('x'));
    if (requests === 1) socket.end();
  });
  assert.equal((await exchangeRaw(kit.gateway.port, POST)).status, 200);
  await eventually(() => kit.gateway.proxy.readings().gauges.upstream_connections_idle === 0);
  assert.equal((await exchangeRaw(kit.gateway.port, POST)).status, 200);
  assert.equal(kit.backend.connections.length, 2);
});

test('Connection: close and HTTP/1.0 answers are not followed by another request', async () => {
  for (const answer of [ok('x', 'Connection: close\r\n'), 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx']) {
    await using kit = await setUp(({ socket }) => socket.write(answer));
    await exchangeRaw(kit.gateway.port, GET);
    await exchangeRaw(kit.gateway.port, GET);
    assert.equal(kit.backend.connections.length, 2);
  }
});

test('idle backend connections end after the idle time, earlier when the backend announces less', async () => {
  await using kit = await setUp(
    ({ socket }, head) => socket.write(ok('x', head.includes('/short') ? 'Keep-Alive: timeout=1\r\n' : '')),
    {
      timeouts: { upstreamIdleMs: 3_000 },
    },
  );
  await exchangeRaw(kit.gateway.port, 'GET /short HTTP/1.1\r\nHost: a\r\n\r\n');
  const started = performance.now();
  await eventually(() => kit.backend.connections[0]?.gone);
  assert.ok(
    performance.now() - started < 2_000,
    'before the second that the backend waits, and long before our own time',
  );
  await exchangeRaw(kit.gateway.port, GET);
  await eventually(() => kit.backend.connections[1]?.gone);
});

test('the connection used last is used first, and no more than the limit stay idle', async () => {
  const waiting: net.Socket[] = [];
  await using kit = await setUp(({ socket }) => void waiting.push(socket), { limits: { idleUpstreamPerEndpoint: 2 } });
  const clients = await Promise.all([1, 2, 3, 4].map(() => RawClient.connect(kit.gateway.port)));
  for (const client of clients) client.write(GET);
  await eventually(() => waiting.length === 4);
  for (const [index, socket] of waiting.entries()) {
    socket.write(ok('x'));
    await clients[index]?.response();
  }
  await eventually(() => kit.backend.connections.filter((connection) => connection.gone).length === 2);
  assert.equal(kit.gateway.proxy.readings().gauges.upstream_connections_idle, 2);
  for (const client of clients) client.destroy();
});

test('destinations that are our own ports, link-local, or loopback without leave are refused: 503', async () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ['169.254.169.254', true],
    ['fe80::1', true],
    ['::ffff:169.254.1.1', true],
    ['127.0.0.1', false],
    ['::1', false],
    ['0.0.0.0', false],
    ['::ffff:7f00:1', false],
    ['localhost', false],
  ];
  for (const [address, allowLoopback] of cases) {
    const cluster = aCluster([{ address, port: 80, weight: 1 }], {
      resolution: address === 'localhost' ? 'DNS' : 'STATIC',
    });
    await using kit = await setUp(() => undefined, {
      snapshot: aSnapshot({
        virtualHosts: [aVirtualHost('*', [aRoute(forwardTo([cluster.key]))])],
        clusters: [cluster],
      }),
      settings: { destinations: { allowLoopback, ownPorts: [15000] } },
    });
    assert.equal((await exchangeRaw(kit.gateway.port, GET)).status, 503, address);
    assert.deepEqual([kit.gateway.log[0]?.flags, kit.gateway.log[0]?.details], ['UF', 'destination_refused'], address);
  }
});

test("this appliance's own ports are refused on every local address, also by name", async () => {
  const own = await startRawBackend(({ socket }) => socket.write(ok('admin')));
  for (const address of ['127.0.0.1', '127.1.2.3', 'localhost']) {
    const cluster = aCluster([{ address, port: own.port, weight: 1 }]);
    await using kit = await setUp(() => undefined, {
      snapshot: aSnapshot({
        virtualHosts: [aVirtualHost('*', [aRoute(forwardTo([cluster.key]))])],
        clusters: [cluster],
      }),
      settings: { destinations: { allowLoopback: true, ownPorts: [own.port] } },
    });
    assert.equal((await exchangeRaw(kit.gateway.port, GET)).status, 503, address);
    assert.equal(kit.gateway.log[0]?.details, 'destination_refused', address);
  }
  assert.equal(own.connections.length, 0);
  await own.close();
});

test('a DNS name is resolved and served', async () => {
  const backend = await startRawBackend(({ socket }) => socket.write(ok('by name')));
  const cluster = aCluster([{ address: 'localhost', port: backend.port, weight: 1 }], { resolution: 'DNS' });
  await using kit = await setUp(() => undefined, {
    snapshot: aSnapshot({ virtualHosts: [aVirtualHost('*', [aRoute(forwardTo([cluster.key]))])], clusters: [cluster] }),
  });
  // localhost may also be ::1, where nothing listens: another attempt finds 127.0.0.1.
  let found = '';
  for (let i = 0; i < 10 && found !== 'by name'; i += 1) found = (await exchangeRaw(kit.gateway.port, GET)).body;
  assert.equal(found, 'by name');
  await backend.close();
});

test('a name that does not resolve is 503 UF', async () => {
  const cluster = aCluster([{ address: 'does-not-exist.invalid', port: 80, weight: 1 }], { resolution: 'DNS' });
  await using kit = await setUp(() => undefined, {
    snapshot: aSnapshot({ virtualHosts: [aVirtualHost('*', [aRoute(forwardTo([cluster.key]))])], clusters: [cluster] }),
  });
  assert.equal((await exchangeRaw(kit.gateway.port, GET)).status, 503);
  assert.equal(kit.gateway.log[0]?.flags, 'UF');
});
