import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '#test/kit/eventually.ts';
import { setUp } from '#test/kit/proxied-backend.ts';
import { aCluster, aRoute, aSnapshot, aVirtualHost, forwardTo, startProxy } from '#test/kit/proxy.ts';
import { ok, startRawBackend } from '#test/kit/raw-backend.ts';
import { RawClient } from '#test/kit/raw-client.ts';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

const refused: Readonly<Record<string, readonly [number, string]>> = {
  'Content-Length and Transfer-Encoding': [
    400,
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  'two different lengths': [
    400,
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 37\r\n\r\n${SMUGGLED}`,
  ],
  'a list of lengths': [400, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 37\r\n\r\n${SMUGGLED}`],
  'a signed length': [400, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n${SMUGGLED}`],
  'a hexadecimal length': [400, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x0\r\n\r\n${SMUGGLED}`],
  'another transfer coding': [
    501,
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  'a transfer coding after chunked': [
    400,
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  'a disguised chunked': [
    400,
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  'two transfer codings in two lines': [
    400,
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
  ],
  'chunked in HTTP/1.0': [400, `POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
  'a folded header': [400, `GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n Content-Length: 37\r\n\r\n`],
  'a bare LF': [400, `GET / HTTP/1.1\r\nHost: a\r\nX: 1\nContent-Length: 37\r\n\r\n`],
  'a bare CR': [400, `GET / HTTP/1.1\r\nHost: a\r\nX: 1\rContent-Length: 37\r\n\r\n`],
  'a blank before the colon': [400, `GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 37\r\n\r\n${SMUGGLED}`],
  'a NUL': [400, `GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n`],
  'no Host': [400, 'GET / HTTP/1.1\r\nX: 1\r\n\r\n'],
  'two Hosts': [400, 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
  'a Host with a path': [400, 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
  'a blank in the target': [400, 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n'],
  'a control byte in the target': [400, 'GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n'],
  'a path above the root': [400, 'GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n'],
  CONNECT: [501, 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n'],
  'the HTTP/2 preface': [505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  'HTTP/0.9': [400, 'GET /\r\n\r\n'],
  'another expectation': [417, 'GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n'],
};

describe('requests that two parsers could read differently are refused, the connection ends, the backend sees nothing', () => {
  for (const [name, [status, bytes]] of Object.entries(refused)) {
    test(name, async () => {
      await using kit = await setUp(({ socket }) => socket.write(ok('reached')));
      const client = await RawClient.connect(kit.gateway.port);
      client.write(bytes);
      const response = await client.response();
      assert.deepEqual([response.status, response.headers['connection']], [status, 'close']);
      await client.over();
      assert.equal(client.received, '', 'one answer, no second');
      assert.equal(kit.backend.bytes(), '');
      assert.deepEqual([kit.gateway.log.length, kit.gateway.log[0]?.flags], [1, 'DPE']);
      client.destroy();
    });
  }
});

test('a bad chunk size after the head ends everything: what follows is no request', async () => {
  for (const size of ['+1', '-1', '0x1', '1 ', ' 1', '', 'g', '00000000000000001', '1\n']) {
    await using kit = await setUp(({ socket }, head) => {
      if (head.includes('smuggled')) socket.write(ok('reached'));
    });
    const client = await RawClient.connect(kit.gateway.port);
    client.write(
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${size}\r\na\r\n0\r\n\r\n${SMUGGLED}`,
    );
    assert.equal((await client.response()).status, 400, JSON.stringify(size));
    await client.over();
    assert.ok(!kit.backend.bytes().includes('smuggled'));
    client.destroy();
  }
});

test('limits: a long target is 414, a large head or too many fields 431', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')), {
    limits: { targetBytes: 1000, headerBytes: 4000, headerCount: 20 },
  });
  const cases: readonly [number, string][] = [
    [414, `GET /${'a'.repeat(1000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    [431, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(4000)}\r\n\r\n`],
    [431, `GET / HTTP/1.1\r\nHost: a\r\n${'X: 1\r\n'.repeat(20)}\r\n`],
    [431, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(100_000)}`],
    [200, `GET /${'a'.repeat(990)} HTTP/1.1\r\nHost: a\r\n${'X: 1\r\n'.repeat(18)}\r\n`],
  ];
  for (const [status, bytes] of cases) {
    const client = await RawClient.connect(kit.gateway.port);
    client.write(bytes);
    assert.equal((await client.response()).status, status);
    client.destroy();
  }
});

test('a header that a route looks at reaches the backend, though the client names it in Connection', async () => {
  const backend = await startRawBackend(({ socket }) => socket.write(ok('x')));
  const cluster = aCluster([backend.port]);
  const matches = [
    {
      headers: [{ name: 'end-user', match: { kind: 'exact', value: 'jason' } }],
      withoutHeaders: [{ name: 'x-canary', match: { kind: 'exact', value: 'no' } }],
      queryParams: [],
    },
  ] as const;
  const gateway = await startProxy({
    snapshot: aSnapshot({
      virtualHosts: [aVirtualHost('*', [aRoute(forwardTo([cluster.key]), { matches })])],
      clusters: [cluster],
    }),
  });
  const client = await RawClient.connect(gateway.port);
  client.write(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: End-User, X-Canary, x-drop\r\nEnd-User: jason\r\nX-Canary: yes\r\nX-Drop: 1\r\n\r\n',
  );
  assert.equal((await client.response()).status, 200);
  const sent = backend.bytes().toLowerCase();
  assert.match(sent, /\r\nend-user: jason\r\nx-canary: yes\r\n/);
  assert.doesNotMatch(sent, /x-drop/);
  client.destroy();
  await gateway.close();
  await backend.close();
});

test('hop-by-hop headers and those named in Connection stay here, but nobody can have Host or Content-Length removed', async () => {
  await using kit = await setUp(({ socket }) =>
    socket.write(ok('x', 'Connection: x-secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=9\r\nProxy-Connection: a\r\n')),
  );
  const client = await RawClient.connect(kit.gateway.port);
  client.write(
    'POST / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Drop, Host, Content-Length, Authorization, Cookie, X-Forwarded-For\r\n' +
      'X-Drop: 1\r\nx-drop: 2\r\nAuthorization: t\r\nCookie: c\r\nKeep-Alive: 5\r\nProxy-Connection: keep-alive\r\n' +
      'Proxy-Authorization: secret\r\nTE: gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\nContent-Length: 2\r\n\r\nhi',
  );
  const response = await client.response();
  const sent = kit.backend.bytes().toLowerCase();
  for (const gone of [
    'x-drop',
    'keep-alive',
    'proxy-connection',
    'proxy-authorization',
    '\r\nte:',
    'upgrade',
    'http2-settings',
    'connection:',
  ]) {
    assert.ok(!sent.includes(gone), gone);
  }
  for (const kept of [
    '\r\nhost: a\r\n',
    '\r\ncontent-length: 2\r\n',
    '\r\nauthorization: t\r\n',
    '\r\ncookie: c\r\n',
  ]) {
    assert.ok(sent.includes(kept), kept);
  }
  for (const gone of ['x-secret', 'keep-alive', 'proxy-connection', 'connection']) {
    assert.equal(response.headers[gone], undefined, gone);
  }
  client.destroy();
});

test('an absolute-form target names the host, whatever Host says, and the backend gets origin-form', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')));
  const client = await RawClient.connect(kit.gateway.port);
  client.write('GET http://real.example:8080/p?q HTTP/1.1\r\nHost: other.example\r\n\r\n');
  assert.equal((await client.response()).status, 200);
  const sent = kit.backend.bytes();
  assert.ok(sent.startsWith('GET /p?q HTTP/1.1\r\n'));
  assert.ok(sent.includes('host: real.example:8080\r\n') && !sent.includes('other.example'));
  client.destroy();
});

test('the path that is matched is the path that is forwarded', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')));
  const client = await RawClient.connect(kit.gateway.port);
  client.write('GET /public/..\\admin/%2e%2e/./secret%2Fx?y=/../ HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await client.response()).status, 200);
  assert.ok(kit.backend.bytes().startsWith('GET /secret%2Fx?y=/../ HTTP/1.1\r\n'), kit.backend.bytes());
  client.destroy();
});

const badResponses: Readonly<Record<string, string>> = {
  'both lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
  'a malformed length': 'HTTP/1.1 200 OK\r\nContent-Length: 1a\r\n\r\na',
  'another coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
  'a bare LF': 'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
  'a folded header': 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n',
  'no status line': 'hello world, this is not HTTP at all\r\n\r\n',
  'HTTP/2': 'HTTP/2 200\r\n\r\n',
  'a status out of range': 'HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n',
  'an uninvited 101': 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  'a bare CR in a value': 'HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: evil\r\nContent-Length: 0\r\n\r\n',
  'a header without end': `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}`,
};

describe('a response that is not strictly HTTP is 502 and its connection is dropped', () => {
  for (const [name, bytes] of Object.entries(badResponses)) {
    test(name, async () => {
      await using kit = await setUp(({ socket }) => socket.write(bytes, 'latin1'));
      const client = await RawClient.connect(kit.gateway.port);
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const response = await client.response();
      assert.equal(response.status, 502);
      assert.deepEqual([kit.gateway.log[0]?.flags, kit.gateway.log[0]?.status], ['UPE', 502]);
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await client.response();
      assert.equal(kit.backend.connections.length, 2, 'the client connection goes on, the backend connection does not');
      client.destroy();
    });
  }
});

test('bytes behind a complete response never answer another request', async () => {
  await using kit = await setUp(({ socket }, head) =>
    socket.write(head.includes('/a') ? ok('first') + ok('POISON') : ok('second')),
  );
  const client = await RawClient.connect(kit.gateway.port);
  client.write('GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await client.response()).body, 'first');
  assert.equal((await client.response()).body, 'second');
  assert.equal(kit.backend.connections.length, 2);
  client.destroy();
});

test('bytes on an idle backend connection end it', async () => {
  await using kit = await setUp(({ socket, requests, index }) => {
    socket.write(ok(`${index}.${requests}`));
    if (index === 0) setTimeout(() => socket.write(ok('POISON')), 5);
  });
  const client = await RawClient.connect(kit.gateway.port);
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await client.response()).body, '0.1');
  await eventually(() => kit.backend.connections[0]?.gone);
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await client.response()).body, '1.1');
  client.destroy();
});

test('what backends and clients send cannot forge access log fields', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')));
  const client = await RawClient.connect(kit.gateway.port);
  client.write('GET /"%0a HTTP/1.1\r\nHost: a\r\nUser-Agent: a" 200 "\x80\xff\r\nX-Request-Id: evil" id\r\n\r\n');
  assert.equal((await client.response()).status, 200);
  assert.match(kit.gateway.log[0]?.requestId ?? '', /^[0-9a-f-]{36}$/, 'not taken from an untrusted client');
  client.destroy();
});
