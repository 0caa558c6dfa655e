import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '#test/kit/eventually.ts';
import { setUp } from '#test/kit/proxied-backend.ts';
import { ok } from '#test/kit/raw-backend.ts';
import { exchangeRaw, RawClient } from '#test/kit/raw-client.ts';

test('a small body travels with its head in one write', async () => {
  await using kit = await setUp(({ socket }) => socket.write(ok('x')));
  await exchangeRaw(kit.gateway.port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
  const sent = kit.backend.bytes();
  assert.match(sent, /\r\nContent-Length: 5\r\n/);
  assert.ok(sent.endsWith('\r\n\r\nhello'));
  assert.equal(kit.gateway.log[0]?.bytesReceived, 5);
});

test('a body that trickles in is passed on as it comes', async () => {
  await using kit = await setUp(() => undefined);
  const client = await RawClient.connect(kit.gateway.port);
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nab');
  await eventually(() => kit.backend.bytes().endsWith('\r\n\r\nab'));
  client.write('cd');
  await eventually(() => kit.backend.bytes().endsWith('\r\n\r\nabcd'));
  client.write('ef');
  await eventually(() => kit.backend.bytes().endsWith('\r\n\r\nabcdef'));
  kit.backend.connections[0]?.socket.write(ok('done'));
  assert.equal((await client.response()).body, 'done');
  client.destroy();
});

test('a chunked request is decoded and chunked anew, with its trailers and without extensions', async () => {
  await using kit = await setUp(() => undefined);
  const client = await RawClient.connect(kit.gateway.port);
  client.write(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n5;ext="1"\r\nhello\r\n',
  );
  client.write('0006\r\n world\r\n0\r\nX-Sum: 42\r\nAuthorization: evil\r\nX-Forwarded-For: evil\r\n\r\n');
  const end = '\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 42\r\n\r\n';
  await eventually(() => kit.backend.bytes().endsWith(end), { what: 'the chunks arrive' });
  assert.match(kit.backend.bytes(), /\r\ntransfer-encoding: chunked\r\n/);
  kit.backend.connections[0]?.socket.write(ok('done'));
  assert.equal((await client.response()).body, 'done');
  assert.equal(kit.gateway.log[0]?.bytesReceived, 11);
  client.write('GET /again HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => kit.backend.bytes().includes('GET /again'));
  assert.equal(kit.backend.connections.length, 1, 'both connections go on');
  client.destroy();
});

test('a chunked request in one byte pieces is the same request', async () => {
  await using kit = await setUp(() => undefined);
  const client = await RawClient.connect(kit.gateway.port);
  for (const byte of 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n') {
    client.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await eventually(() => kit.backend.bytes().endsWith('0\r\nA: b\r\n\r\n'));
  assert.match(kit.backend.bytes(), /a\r\n1\r\nb\r\n1\r\nc\r\n0\r\n|3\r\nabc\r\n0\r\n/);
  client.destroy();
});

test('a chunked response with trailers arrives with its trailers', async () => {
  await using kit = await setUp(({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel');
    setImmediate(() => socket.write('lo\r\n0\r\nX-Sum: 7\r\nSet-Cookie: a=b\r\n\r\n'));
  });
  const response = await exchangeRaw(kit.gateway.port, 'GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n');
  assert.deepEqual([response.body, response.trailers], ['hello', 'X-Sum: 7']);
  assert.match(kit.backend.bytes(), /\r\nconnection: te\r\nte: trailers\r\n/);
});

test('a response without length ends with its connection and reaches the client in chunks', async () => {
  await using kit = await setUp(({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\nhello ');
    setImmediate(() => socket.end('world'));
  });
  const client = await RawClient.connect(kit.gateway.port);
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const response = await client.response();
  assert.deepEqual([response.body, response.headers['transfer-encoding']], ['hello world', 'chunked']);
  assert.equal(client.ended, false);
  client.destroy();
});

test('Expect: 100-continue is the backend to decide: its 100 comes back before the body is sent', async () => {
  await using kit = await setUp(({ socket }) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'));
  const client = await RawClient.connect(kit.gateway.port);
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
  assert.equal((await client.response()).status, 100);
  client.write('hello');
  await eventually(() => kit.backend.bytes().endsWith('\r\n\r\nhello'));
  kit.backend.connections[0]?.socket.write(ok('x'));
  assert.equal((await client.response()).body, 'x');
  client.destroy();
});

test('a refused expectation is delivered, and both connections end: the body may or may not follow', async () => {
  await using kit = await setUp(({ socket }) =>
    socket.write('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n'),
  );
  const client = await RawClient.connect(kit.gateway.port);
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
  const response = await client.response();
  assert.deepEqual([response.status, response.headers['connection']], [417, 'close']);
  await client.over();
  await eventually(() => kit.backend.connections[0]?.gone);
});

test('an early answer (413) is delivered although the client is still sending, and nothing is reused', async () => {
  await using kit = await setUp(({ socket }) =>
    socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nbig\n'),
  );
  const client = await RawClient.connect(kit.gateway.port);
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n');
  const sending = setInterval(() => client.socket.writable && client.write('x'.repeat(65_536)), 1);
  try {
    const response = await client.response();
    assert.deepEqual([response.status, response.body, response.headers['connection']], [413, 'big\n', 'close']);
    await client.over();
    assert.equal(client.error, undefined, 'no reset before the answer');
  } finally {
    clearInterval(sending);
    client.destroy();
  }
  await eventually(() => kit.backend.connections[0]?.gone);
});

test('a backend that answers and closes in the middle of a large upload is heard', async () => {
  await using kit = await setUp(({ socket }) => {
    socket.pause();
    socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbig\n');
    setTimeout(() => socket.destroy(), 20);
  });
  for (let i = 0; i < 5; i += 1) {
    const client = await RawClient.connect(kit.gateway.port);
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n');
    const sending = setInterval(() => client.socket.writable && client.write('x'.repeat(65_536)), 1);
    try {
      assert.equal((await client.response()).status, 413);
    } finally {
      clearInterval(sending);
      client.destroy();
    }
  }
});

test('a client that leaves in the middle of its body takes the backend connection with it', async () => {
  await using kit = await setUp(() => undefined);
  const client = await RawClient.connect(kit.gateway.port);
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc');
  await eventually(() => kit.backend.bytes().endsWith('abc'));
  client.socket.end();
  await eventually(() => kit.backend.connections[0]?.gone, { what: 'the backend sees the end' });
  const [line] = await eventually(() => kit.gateway.log.length > 0 && kit.gateway.log);
  assert.deepEqual([line?.flags, line?.status, line?.details], ['DC', 0, 'downstream_remote_disconnect']);
});

test('a client that leaves while it waits takes the backend connection with it', async () => {
  await using kit = await setUp(() => undefined);
  const client = await RawClient.connect(kit.gateway.port);
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => kit.backend.connections[0]?.requests === 1);
  client.socket.resetAndDestroy();
  await eventually(() => kit.backend.connections[0]?.gone);
  assert.equal(kit.gateway.log[0]?.flags, 'DC');
});

test('a backend that closes in the middle of a body breaks the client connection: nothing looks whole', async () => {
  await using kit = await setUp(({ socket }, head) => {
    if (head.includes('/chunked')) socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello');
  });
  for (const path of ['/length', '/chunked']) {
    const client = await RawClient.connect(kit.gateway.port);
    client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.over();
    assert.equal(client.error?.code, 'ECONNRESET', path);
    assert.ok(!client.received.includes('\r\n0\r\n\r\n'));
  }
  assert.deepEqual(
    kit.gateway.log.map((line) => [line.status, line.flags, line.details]),
    [
      [200, 'UC', 'upstream_reset_after_response_started'],
      [200, 'UC', 'upstream_reset_after_response_started'],
    ],
  );
});

test('a malformed chunk ends the request: 400 to the client, and the backend connection is cut', async () => {
  await using kit = await setUp(() => undefined);
  const client = await RawClient.connect(kit.gateway.port);
  client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
  await eventually(() => kit.backend.bytes().includes('abc'));
  client.write('zz\r\n');
  const response = await client.response();
  assert.deepEqual([response.status, response.headers['connection']], [400, 'close']);
  await eventually(() => kit.backend.connections[0]?.gone);
  assert.ok(!kit.backend.bytes().includes('0\r\n\r\n'), 'the body never looks whole');
  assert.equal(kit.gateway.log[0]?.flags, 'DPE');
});

test('large bodies go through unchanged both ways', async () => {
  const size = 20_000_000;
  const body = Buffer.alloc(size, 'abcdefghijklmnopqrstuvwxyz0123456789').toString('latin1');
  let answered = false;
  await using kit = await setUp((connection) => {
    const check = setInterval(() => {
      if (!connection.received.endsWith(body.slice(-1000)) || connection.received.length < size) return;
      clearInterval(check);
      answered = connection.received.endsWith(`\r\n\r\n${body}`);
      connection.socket.write(ok(body), 'latin1');
    }, 5);
  });
  const client = await RawClient.connect(kit.gateway.port);
  client.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n${body}`);
  const response = await client.response();
  assert.ok(answered);
  assert.ok(response.body === body);
  client.destroy();
});
