import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '#test/kit/eventually.ts';
import { setUp } from '#test/kit/proxied-backend.ts';
import { aListener, aSnapshot, aVirtualHost } from '#test/kit/proxy.ts';
import { ok } from '#test/kit/raw-backend.ts';
import { exchangeRaw, RawClient } from '#test/kit/raw-client.ts';

const GET = 'GET /page HTTP/1.1\r\nHost: a.example\r\n\r\n';

test('a request reaches the backend with its own headers untouched and in order, and the answer comes back whole', async () => {
  await using kit = await setUp(({ socket }) =>
    socket.write(ok('hello', 'X-Backend: One\r\nServer: b/1\r\nDate: d\r\n')),
  );
  const response = await exchangeRaw(
    kit.gateway.port,
    'GET /a%20b?x=1&y=%2f HTTP/1.1\r\nHost: A.example:31380\r\nuSER-agent:  t  \r\nX-A: 1\r\nCookie: c=d\r\nX-A: 2\r\n\r\n',
  );
  assert.equal(response.status, 200);
  assert.equal(response.body, 'hello');
  assert.equal(response.headers['x-backend'], 'One');
  assert.equal(response.headers['server'], 'b/1');
  assert.match(response.headers['x-envoy-upstream-service-time'] ?? '', /^\d+$/);
  const sent = kit.backend.bytes();
  assert.ok(
    sent.startsWith(
      'GET /a%20b?x=1&y=%2f HTTP/1.1\r\nHost: A.example:31380\r\nuSER-agent:  t  \r\nX-A: 1\r\nCookie: c=d\r\nX-A: 2\r\n',
    ),
    sent,
  );
  assert.match(
    sent,
    /\r\nx-forwarded-for: 127\.0\.0\.1\r\nx-forwarded-proto: http\r\nx-forwarded-host: A\.example:31380\r\n/,
  );
  assert.match(sent, /\r\nx-request-id: [0-9a-f]{8}-[0-9a-f-]{27}\r\n\r\n$/);
});

test('a keep-alive connection carries many requests over one backend connection', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')));
  const client = await RawClient.connect(kit.gateway.port);
  for (let i = 0; i < 20; i += 1) {
    client.write(GET);
    assert.equal((await client.response()).body, 'x');
  }
  assert.equal(kit.backend.connections.length, 1);
  assert.equal(kit.backend.connections[0]?.requests, 20);
  client.destroy();
  await eventually(() => kit.gateway.proxy.connections === 0);
  assert.equal(kit.gateway.log.length, 20);
});

test('pipelined requests are answered in order, whatever order they would finish in', async () => {
  await using kit = await setUp(({ socket }, head) => {
    const [, path = ''] = head.split(' ');
    setTimeout(() => socket.write(ok(path)), path === '/1' ? 40 : 0);
  });
  const client = await RawClient.connect(kit.gateway.port);
  client.write([1, 2, 3, 4].map((n) => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
  for (const n of [1, 2, 3, 4]) assert.equal((await client.response()).body, `/${n}`);
  client.destroy();
});

test('a thousand pipelined requests in arbitrary pieces are answered in order', async () => {
  await using kit = await setUp(({ socket }, head) => socket.write(ok(head.split(' ')[1] ?? '')));
  const client = await RawClient.connect(kit.gateway.port);
  let text = '';
  for (let i = 0; i < 1000; i += 1) text += `POST /${i} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc`;
  for (let at = 0; at < text.length; at += 997) client.write(text.slice(at, at + 997));
  for (let i = 0; i < 1000; i += 1) assert.equal((await client.response()).body, `/${i}`);
  client.destroy();
});

test('a head that comes byte by byte is the same request', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')));
  const client = await RawClient.connect(kit.gateway.port);
  for (const byte of GET) {
    client.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal((await client.response()).status, 200);
  client.destroy();
});

test('a response head that comes byte by byte is the same response', async () => {
  await using kit = await setUp(({ socket }) => {
    void (async () => {
      for (const byte of `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok('hello')}`) {
        socket.write(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
  });
  const client = await RawClient.connect(kit.gateway.port);
  client.write(GET);
  const hints = await client.response();
  assert.deepEqual([hints.status, hints.headers['link']], [103, '</a>']);
  assert.equal((await client.response()).body, 'hello');
  client.destroy();
});

test('HEAD, 204 and 304 carry no body, whatever lengths they announce, and the connection goes on', async () => {
  await using kit = await setUp(({ socket }, head) => {
    if (head.startsWith('HEAD')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
    else if (head.includes('/204')) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    else if (head.includes('/304'))
      socket.write('HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: "a"\r\n\r\n');
    else socket.write(ok('end'));
  });
  const client = await RawClient.connect(kit.gateway.port);
  client.write('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
  const head = await client.response({ to: 'HEAD' });
  assert.equal(head.headers['content-length'], '1000');
  client.write('GET /204 HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await client.response()).status, 204);
  client.write('GET /304 HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await client.response()).headers['etag'], '"a"');
  client.write(GET);
  assert.equal((await client.response()).body, 'end');
  assert.equal(client.received, '');
  assert.equal(kit.backend.connections.length, 1);
  client.destroy();
});

test('HTTP/1.0 closes by default, keeps alive when asked, and never sees chunks', async () => {
  await using kit = await setUp(({ socket }, head) => {
    if (head.includes('/chunked'))
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
    else socket.write(ok('x'));
  });
  const closing = await RawClient.connect(kit.gateway.port);
  closing.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
  const first = await closing.response();
  assert.deepEqual([first.body, first.headers['connection']], ['x', 'close']);
  await closing.over();
  const keeping = await RawClient.connect(kit.gateway.port);
  keeping.write('GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n');
  assert.equal((await keeping.response()).headers['connection'], 'keep-alive');
  keeping.write('GET /chunked HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n');
  const streamed = await keeping.response();
  assert.deepEqual(
    [streamed.body, streamed.headers['transfer-encoding'], streamed.headers['connection']],
    ['hello', undefined, 'close'],
  );
  assert.ok(kit.backend.bytes().includes('GET /chunked HTTP/1.1\r\n'));
});

test('Connection: close is honoured: one answer, then the end', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')));
  const client = await RawClient.connect(kit.gateway.port);
  client.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${GET}`);
  assert.equal((await client.response()).headers['connection'], 'close');
  await client.over();
  assert.equal(client.received, '');
  assert.equal(kit.backend.connections[0]?.requests, 1);
  client.destroy();
});

test('a client may end its half after the request and still gets the answer', async () => {
  await using kit = await setUp(({ socket }) => setTimeout(() => socket.write(ok('late')), 30));
  const client = await RawClient.connect(kit.gateway.port);
  client.socket.end(GET);
  assert.equal((await client.response()).body, 'late');
  await client.over();
});

test('interim responses pass through, and 103 keeps its headers', async () => {
  await using kit = await setUp(({ socket }) =>
    socket.write(`HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n${ok('x')}`),
  );
  const client = await RawClient.connect(kit.gateway.port);
  client.write(GET);
  assert.equal((await client.response()).status, 102);
  assert.equal((await client.response()).headers['link'], '</s.css>');
  assert.equal((await client.response()).body, 'x');
  client.destroy();
});

test('interim responses are kept from HTTP/1.0 clients', async () => {
  await using kit = await setUp(({ socket }) => socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${ok('x')}`));
  assert.equal((await exchangeRaw(kit.gateway.port, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n')).status, 200);
});

test('unknown hosts, unmatched routes and an empty gateway are 404 NR, with a hint where there is nothing at all', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')), {
    snapshot: aSnapshot({ listeners: [aListener({ emptyHint: 'put objects into /etc/mesh-gateway/routes.d' })] }),
  });
  const hint = await exchangeRaw(kit.gateway.port, GET);
  assert.deepEqual([hint.status, hint.body], [404, 'put objects into /etc/mesh-gateway/routes.d\n']);
  kit.gateway.serve(aSnapshot({ virtualHosts: [aVirtualHost('b.example', [])] }));
  const unknown = await exchangeRaw(kit.gateway.port, GET);
  assert.equal(unknown.status, 404);
  assert.ok(unknown.body.endsWith('\n') && unknown.headers['content-type']?.startsWith('text/plain'));
  assert.equal((await exchangeRaw(kit.gateway.port, GET.replace('a.example', 'b.example'))).status, 404);
  assert.deepEqual(
    kit.gateway.log.map((line) => [line.status, line.flags, line.details]),
    Array.from({ length: 3 }, () => [404, 'NR', 'route_not_found']),
  );
  assert.equal(kit.backend.connections.length, 0);
});

test('own answers keep the connection, also behind a body that came whole', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')), { snapshot: aSnapshot({}) });
  const client = await RawClient.connect(kit.gateway.port);
  client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello${GET}`);
  assert.equal((await client.response()).status, 404);
  assert.equal((await client.response()).status, 404);
  client.write('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
  const head = await client.response({ to: 'HEAD' });
  assert.equal(head.status, 404);
  assert.equal(client.received, '');
  client.write(GET);
  assert.equal((await client.response()).status, 404);
  assert.equal(client.ended, false);
  client.destroy();
});

test('requests per connection are limited when the settings say so', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')), { limits: { requestsPerConnection: 2 } });
  const client = await RawClient.connect(kit.gateway.port);
  client.write(GET + GET + GET);
  assert.equal((await client.response()).headers['connection'], undefined);
  assert.equal((await client.response()).headers['connection'], 'close');
  await client.over();
  assert.equal(client.received, '');
});

test('everything works the same when shared read buffers are not available', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')), { reads: 'data' });
  const client = await RawClient.connect(kit.gateway.port);
  client.write(GET + GET);
  assert.equal((await client.response()).body, 'x');
  assert.equal((await client.response()).body, 'x');
  client.socket.end();
  await client.over();
  await eventually(() => kit.gateway.proxy.connections === 0);
});
