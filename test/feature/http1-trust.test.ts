import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { eventually } from '#test/kit/eventually.ts';
import { aListener, allTo, aRoute, aSnapshot, aVirtualHost, startProxy } from '#test/kit/proxy.ts';
import { ok, startRawBackend } from '#test/kit/raw-backend.ts';
import { exchangeRaw, RawClient } from '#test/kit/raw-client.ts';

async function setUp(options: Parameters<typeof startProxy>[0] = {}) {
  const backend = await startRawBackend(({ socket }) => socket.write(ok('x', 'Via: 1.1 inner\r\n')));
  const gateway = await startProxy({ snapshot: allTo(backend.port), ...options });
  return {
    backend,
    gateway,
    [Symbol.asyncDispose]: async () => {
      await gateway.close();
      await backend.close();
    },
  };
}

/** Header lines of a raw head by lower-case name, repeats joined by `|`. */
function headersOf(bytes: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of bytes.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon === -1) continue;
    const name = line.slice(0, colon).toLowerCase();
    headers[name] = (headers[name] === undefined ? '' : `${headers[name]}|`) + line.slice(colon + 1).trim();
  }
  return headers;
}

const CLAIMS =
  'GET / HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: bank.example\r\n' +
  'X-Forwarded-Port: 443\r\nX-Forwarded-Prefix: /admin\r\nForwarded: for=1.1.1.1\r\nX-Request-Id: mine\r\nX-Envoy-Internal: true\r\n' +
  'X-Envoy-External-Address: 9.9.9.9\r\nx-envoy-retry-on: 5xx\r\nX-Forwarded-Client-Cert: By=me\r\nX-Other: stays\r\n\r\n';

test('what an untrusted client claims about itself is replaced or removed', async () => {
  await using kit = await setUp();
  assert.equal((await exchangeRaw(kit.gateway.port, CLAIMS)).status, 200);
  const sent = headersOf(kit.backend.bytes());
  assert.equal(sent['x-forwarded-for'], '1.1.1.1, 2.2.2.2, 127.0.0.1');
  assert.equal(sent['x-forwarded-proto'], 'http');
  assert.equal(sent['x-forwarded-host'], 'a.example');
  assert.match(sent['x-request-id'] ?? '', /^[0-9a-f-]{36}$/);
  assert.equal(sent['x-other'], 'stays');
  for (const gone of [
    'x-forwarded-port',
    'x-forwarded-prefix',
    'forwarded',
    'x-envoy-internal',
    'x-envoy-external-address',
    'x-envoy-retry-on',
    'x-forwarded-client-cert',
  ]) {
    assert.equal(sent[gone], undefined, gone);
  }
  assert.match(kit.gateway.log[0]?.downstreamRemote ?? '', /^127\.0\.0\.1:\d+$/, 'the log believes nobody');
});

test('behind a trusted proxy its headers are kept, and the client is the Nth address from the right', async () => {
  await using kit = await setUp({ settings: { trustedProxies: 1 } });
  assert.equal((await exchangeRaw(kit.gateway.port, CLAIMS)).status, 200);
  const sent = headersOf(kit.backend.bytes());
  assert.equal(sent['x-forwarded-for'], '1.1.1.1, 2.2.2.2, 127.0.0.1');
  assert.equal(sent['x-forwarded-proto'], 'https');
  assert.equal(sent['x-forwarded-host'], 'bank.example');
  assert.equal(sent['x-request-id'], 'mine');
  assert.equal(sent['x-forwarded-client-cert'], undefined, 'nobody may bring an identity');
  assert.equal(kit.gateway.log[0]?.downstreamRemote, '2.2.2.2:0');
  assert.equal(kit.gateway.log[0]?.requestId, 'mine');
});

test('a trusted proxy that says nothing gets the headers added', async () => {
  await using kit = await setUp({ settings: { trustedProxies: 2 } });
  await exchangeRaw(kit.gateway.port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 5.5.5.5\r\n\r\n');
  const sent = headersOf(kit.backend.bytes());
  assert.equal(sent['x-forwarded-proto'], 'http');
  assert.equal(sent['x-forwarded-host'], 'a');
  assert.match(kit.gateway.log[0]?.downstreamRemote ?? '', /^127\.0\.0\.1:/, 'fewer entries than proxies: the peer');
});

test('IPv4 clients of a dual-stack socket have plain IPv4 addresses', async (t) => {
  let kit: Awaited<ReturnType<typeof setUp>>;
  try {
    kit = await setUp({ address: '::' });
  } catch {
    t.skip('no IPv6 here');
    return;
  }
  try {
    await exchangeRaw(kit.gateway.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal(headersOf(kit.backend.bytes())['x-forwarded-for'], '127.0.0.1');
    assert.match(kit.gateway.log[0]?.downstreamLocal ?? '', /^127\.0\.0\.1:/);
  } finally {
    await kit[Symbol.asyncDispose]();
  }
});

test('Via is added both ways only when the settings ask for it', async () => {
  const request = 'GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 outer\r\n\r\n';
  await using silent = await setUp();
  assert.equal((await exchangeRaw(silent.gateway.port, request)).headers['via'], '1.1 inner');
  assert.equal(headersOf(silent.backend.bytes())['via'], '1.0 outer');
  await using loud = await setUp({ settings: { via: true } });
  assert.equal((await exchangeRaw(loud.gateway.port, request)).headers['via'], '1.1 inner, 1.1 mesh-gateway');
  assert.equal(headersOf(loud.backend.bytes())['via'], '1.0 outer, 1.1 mesh-gateway');
});

test('one client can open only so many connections; another is still served', async () => {
  await using kit = await setUp({ limits: { connectionsPerClient: 3 } });
  const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(kit.gateway.port)));
  await eventually(() => kit.gateway.proxy.connections === 3);
  const fourth = await RawClient.connect(kit.gateway.port);
  await fourth.over();
  assert.equal(kit.gateway.metrics.counters.downstream_connections_refused, 1);
  const other = net.connect({ port: kit.gateway.port, host: '127.0.0.1', localAddress: '127.0.0.9' });
  other.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await new Promise((resolve) => other.once('data', resolve));
  other.destroy();
  clients[0]?.destroy();
  await eventually(() => kit.gateway.proxy.connections === 2);
  assert.equal((await exchangeRaw(kit.gateway.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).status, 200);
  for (const client of clients) client.destroy();
});

test('all connections of a worker together are limited', async () => {
  await using kit = await setUp({ limits: { connections: 2 } });
  const clients = await Promise.all([1, 2].map(() => RawClient.connect(kit.gateway.port)));
  await eventually(() => kit.gateway.proxy.connections === 2);
  const third = await RawClient.connect(kit.gateway.port);
  await third.over();
  for (const client of clients) client.destroy();
});

test('httpsRedirect leads to the public port of the pair, also for IPv6 hosts and hosts without a port', async () => {
  const redirected = aVirtualHost('*', [], { httpsRedirect: { ports: { '31380': 31_390 } } });
  await using kit = await setUp({ snapshot: aSnapshot({ virtualHosts: [redirected] }) });
  const cases: readonly (readonly [string, string])[] = [
    ['a.example:31380', 'https://a.example:31390/p?q=1'],
    ['a.example', 'https://a.example:31390/p?q=1'],
    ['[::1]:31380', 'https://[::1]:31390/p?q=1'],
    ['10.0.0.7:31380', 'https://10.0.0.7:31390/p?q=1'],
  ];
  for (const [host, location] of cases) {
    const response = await exchangeRaw(kit.gateway.port, `GET /p?q=1 HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    assert.deepEqual([response.status, response.headers['location']], [301, location]);
  }
  kit.gateway.serve(aSnapshot({ virtualHosts: [{ ...redirected, httpsRedirect: { ports: { '31380': 443 } } }] }));
  const standard = await exchangeRaw(kit.gateway.port, 'GET / HTTP/1.1\r\nHost: a.example:31380\r\n\r\n');
  assert.equal(standard.headers['location'], 'https://a.example/');
});

test('redirects and direct responses of routes are answered here', async () => {
  const routes = [
    aRoute(
      { kind: 'redirect', status: 302, path: { kind: 'prefix', value: '/new' } },
      {
        key: 'r/0',
        matches: [{ uri: { kind: 'prefix', value: '/old' }, headers: [], withoutHeaders: [], queryParams: [] }],
      },
    ),
    aRoute({ kind: 'direct-response', status: 418, body: 'short and stout' }, { key: 'r/1' }),
  ];
  await using kit = await setUp({
    snapshot: aSnapshot({ listeners: [aListener()], virtualHosts: [aVirtualHost('*', routes)] }),
  });
  const moved = await exchangeRaw(kit.gateway.port, 'GET /old/x?y HTTP/1.1\r\nHost: a.example:31380\r\n\r\n');
  assert.deepEqual([moved.status, moved.headers['location']], [302, 'http://a.example:31380/new/x?y']);
  const teapot = await exchangeRaw(kit.gateway.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.deepEqual([teapot.status, teapot.body], [418, 'short and stout']);
  assert.equal(kit.gateway.log[1]?.details, 'direct_response');
});
