import assert from 'node:assert/strict';
import type net from 'node:net';
import { test } from 'node:test';
import { CompileError } from '#gateway/proxy/compile-error.ts';
import type { Proxy } from '#gateway/proxy/request-path.ts';
import { eventually } from '#test/kit/eventually.ts';
import { setUp } from '#test/kit/proxied-backend.ts';
import { aCluster, aDelta, allTo, aRoute, aSnapshot, aVirtualHost, forwardTo, startProxy } from '#test/kit/proxy.ts';
import { ok, startRawBackend } from '#test/kit/raw-backend.ts';
import { exchangeRaw, RawClient } from '#test/kit/raw-client.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

test('draining: what is in flight finishes and says close; idle connections may bring one more request, then end', async () => {
  const waiting: net.Socket[] = [];
  await using kit = await setUp(
    ({ socket }, head) => {
      if (head.includes('/slow')) waiting.push(socket);
      else socket.write(ok('x'));
    },
    { timeouts: { drainIdleMs: 400 } },
  );
  const busy = await RawClient.connect(kit.gateway.port);
  busy.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => waiting.length === 1);
  const [idle, late] = [await RawClient.connect(kit.gateway.port), await RawClient.connect(kit.gateway.port)];
  for (const client of [idle, late]) {
    client.write(GET);
    assert.equal((await client.response()).headers['connection'], undefined);
  }
  let drained = false;
  const done = kit.gateway.proxy.drain().then(() => {
    drained = true;
  });
  late.write(GET);
  assert.equal((await late.response()).headers['connection'], 'close');
  await late.over();
  await idle.over();
  assert.equal(drained, false);
  waiting[0]?.write(ok('finished'));
  const response = await busy.response();
  assert.deepEqual([response.body, response.headers['connection']], ['finished', 'close']);
  await done;
  assert.equal(kit.gateway.proxy.connections, 0);
  assert.equal(busy.error, undefined);
});

test('draining ends after its time even if something never finishes', async () => {
  await using kit = await setUp(() => undefined, { timeouts: { drainMs: 200 } });
  const client = await RawClient.connect(kit.gateway.port);
  client.write(GET);
  await eventually(() => kit.backend.connections[0]?.requests === 1);
  await kit.gateway.proxy.drain();
  await client.over();
});

test('draining with no connection is done at once', async () => {
  await using kit = await setUp(() => undefined);
  await kit.gateway.proxy.drain();
});

const v1 = 'outbound|80|v1|myapp.default.svc.cluster.local';
const v2 = 'outbound|80|v2|myapp.default.svc.cluster.local';

async function twoVersions() {
  const one = await startRawBackend(({ socket }) => socket.write(ok('v1')));
  const two = await startRawBackend(({ socket }) => socket.write(ok('v2')));
  const clusters = [aCluster([one.port], { subset: 'v1' }), aCluster([two.port], { subset: 'v2' })];
  const host = (w1: number, w2: number) =>
    aVirtualHost('*', [
      aRoute(
        forwardTo([
          [v1, w1],
          [v2, w2],
        ]),
      ),
    ]);
  const gateway = await startProxy({ snapshot: aSnapshot({ virtualHosts: [host(50, 50)], clusters }) });
  const count = async (requests: number): Promise<number> => {
    const client = await RawClient.connect(gateway.port);
    let first = 0;
    for (let i = 0; i < requests; i += 1) {
      client.write(GET);
      if ((await client.response()).body === 'v1') first += 1;
    }
    client.destroy();
    return first;
  };
  return {
    gateway,
    host,
    clusters,
    count,
    ports: [one.port, two.port] as const,
    [Symbol.asyncDispose]: async () => {
      await gateway.close();
      await one.close();
      await two.close();
    },
  };
}

test('100 requests on one connection at 50/50 are 50 and 50, give or take one; a shift takes effect with the next request', async () => {
  await using kit = await twoVersions();
  assert.ok(Math.abs((await kit.count(100)) - 50) <= 1);
  kit.gateway.serve(aDelta(1, 2, { virtualHosts: [kit.host(90, 10)] }));
  assert.ok(Math.abs((await kit.count(100)) - 90) <= 1);
  kit.gateway.serve(aDelta(2, 3, { virtualHosts: [kit.host(0, 10)] }));
  assert.equal(await kit.count(20), 0);
});

test('the state of weights survives changes that leave them alone', async () => {
  await using kit = await twoVersions();
  let version = 1;
  let first = 0;
  for (let i = 0; i < 40; i += 1) {
    first += await kit.count(1);
    // The same route again, another host, an endpoint change: none may start the cycle anew.
    const other = aVirtualHost(`h${i}.example`, []);
    kit.gateway.serve(
      aDelta(version, version + 1, { virtualHosts: [kit.host(50, 50), other], clusters: kit.clusters }),
    );
    version += 1;
  }
  assert.ok(Math.abs(first - 20) <= 1, `${first} of 40`);
});

test('a new version touches no connection; a request in flight ends with the version it began with', async () => {
  const waiting: net.Socket[] = [];
  await using kit = await setUp(({ socket }) => void waiting.push(socket));
  const client = await RawClient.connect(kit.gateway.port);
  client.write(GET);
  await eventually(() => waiting.length === 1);
  kit.gateway.serve(aDelta(1, 2, {}, { virtualHosts: ['http.31380|*'], clusters: [v1] }));
  assert.equal((await exchangeRaw(kit.gateway.port, GET)).status, 404);
  waiting[0]?.write(ok('old version'));
  assert.equal((await client.response()).body, 'old version');
  client.write(GET);
  assert.equal((await client.response()).status, 404, 'on the same connection');
  client.destroy();
  await eventually(() => kit.backend.connections[0]?.gone, { what: 'connections of a removed cluster end' });
  kit.gateway.serve({ ...allTo(kit.backend.port), from: 2, to: 3 });
  const again = await RawClient.connect(kit.gateway.port);
  again.write(GET);
  await eventually(() => waiting.length === 2);
  again.destroy();
});

test('endpoints come and go without a change of routes; connections of those that stay are kept', async () => {
  const [one, two] = [
    await startRawBackend(({ socket }) => socket.write(ok('1'))),
    await startRawBackend(({ socket }) => socket.write(ok('2'))),
  ];
  const gateway = await startProxy({ snapshot: allTo(one.port) });
  const client = await RawClient.connect(gateway.port);
  const ask = async (): Promise<string> => {
    client.write(GET);
    return (await client.response()).body;
  };
  assert.equal(await ask(), '1');
  gateway.serve(aDelta(1, 2, { clusters: [aCluster([one.port, two.port])] }));
  const seen = new Set([await ask(), await ask()]);
  assert.deepEqual([...seen].toSorted(), ['1', '2']);
  assert.equal(one.connections.length, 1);
  gateway.serve(aDelta(2, 3, { clusters: [aCluster([two.port])] }));
  assert.deepEqual([await ask(), await ask()], ['2', '2']);
  await eventually(() => one.connections[0]?.gone);
  assert.equal(two.connections.length, 1);
  client.destroy();
  await gateway.close();
  await one.close();
  await two.close();
});

test('a cluster that appears after the route that names it is found by that route', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')), {
    snapshot: aSnapshot({ virtualHosts: [aVirtualHost('*', [aRoute(forwardTo([v1]))])] }),
  });
  assert.equal((await exchangeRaw(kit.gateway.port, GET)).status, 503);
  kit.gateway.serve(aDelta(1, 2, { clusters: [aCluster([kit.backend.port])] }));
  assert.equal((await exchangeRaw(kit.gateway.port, GET)).status, 200);
});

test('a version that does not compile changes nothing and names the unit', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')));
  const bad = aVirtualHost('*', [
    aRoute(forwardTo([v1]), {
      matches: [{ uri: { kind: 'regex', value: '(unclosed' }, headers: [], withoutHeaders: [], queryParams: [] }],
    }),
  ]);
  assert.throws(
    () => kit.gateway.proxy.prepare(aDelta(1, 2, { virtualHosts: [bad] })),
    (error: unknown) => error instanceof CompileError && error.unit === 'virtualHosts/http.31380|*',
  );
  assert.throws(() => kit.gateway.proxy.prepare(aDelta(7, 8, {})), CompileError);
  assert.equal((await exchangeRaw(kit.gateway.port, GET)).status, 200);
  assert.equal(kit.gateway.proxy.readings().gauges.snapshot_version, 1);
});

test('an exception in our own code costs its request a 500, is counted and logged once, and nothing else', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')));
  const other = await RawClient.connect(kit.gateway.port);
  other.write(GET);
  await other.response();
  servePoison(kit.gateway.proxy);
  const response = await exchangeRaw(kit.gateway.port, GET.replace('Host: a', 'Host: poison.example'));
  assert.deepEqual([response.status, response.headers['connection']], [500, 'close']);
  assert.equal(kit.gateway.errors.length, 1);
  assert.equal(kit.gateway.metrics.counters.exchange_exceptions, 1);
  assert.equal(kit.gateway.log.at(-1)?.status, 500);
  other.write(GET);
  assert.equal((await other.response()).status, 200);
  other.destroy();
});

test('an exception in a pipelined request costs that request a 500, not the answer before it', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')));
  servePoison(kit.gateway.proxy);
  const client = await RawClient.connect(kit.gateway.port);
  client.write(GET + GET.replace('Host: a', 'Host: poison.example'));
  assert.equal((await client.response()).status, 200);
  const response = await client.response();
  assert.deepEqual([response.status, response.headers['connection']], [500, 'close']);
  assert.equal(kit.gateway.proxy.readings().gauges.downstream_requests_active, 0);
  assert.equal(kit.gateway.proxy.readings().gauges.upstream_connections_idle, 1);
  client.destroy();
});

test('statistics count what happened, by destination', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('hello')));
  const client = await RawClient.connect(kit.gateway.port);
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc');
  await client.response();
  client.write('GET / HTTP/1.1\r\nHost: a b\r\n\r\n');
  await client.response();
  const { requests: read, counters, gauges } = kit.gateway.proxy.readings();
  const requests = [...read];
  const series = requests.find((entry) => entry.labels['destination_service_name'] === 'myapp');
  assert.ok(series);
  assert.deepEqual([series.requests, series.labels['response_code'], series.labels['response_flags']], [1, '200', '-']);
  assert.deepEqual([series.requestBytes.sum, series.responseBytes.sum], [3, 5]);
  const bad = requests.find((entry) => entry.labels['response_flags'] === 'DPE');
  assert.deepEqual([bad?.labels['destination_service'], bad?.labels['response_code']], ['unknown', '400']);
  assert.equal(counters.downstream_protocol_errors, 1);
  assert.equal(gauges.downstream_requests_active, 0);
  assert.equal(gauges.upstream_connections_idle, 1);
  client.destroy();
  await eventually(() => kit.gateway.proxy.readings().gauges.downstream_connections_active === 0);
});

/** From now on every request to poison.example makes the matching throw. */
function servePoison(proxy: Proxy): void {
  const prepared = proxy.prepare(
    aDelta(1, 2, { virtualHosts: [aVirtualHost('poison.example', [aRoute(forwardTo([v1]))])] }),
  );
  const poisoned = prepared.hosts.get('http.31380|poison.example') as unknown as {
    sole: undefined;
    match: () => never;
  };
  poisoned.sole = undefined;
  poisoned.match = () => {
    throw new Error('poison');
  };
  proxy.commit(prepared);
}
