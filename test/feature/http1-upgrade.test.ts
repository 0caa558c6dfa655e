import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '#test/kit/eventually.ts';
import { setUp } from '#test/kit/proxied-backend.ts';
import { ok } from '#test/kit/raw-backend.ts';
import { exchangeRaw, RawClient } from '#test/kit/raw-client.ts';

const UPGRADE =
  'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n\r\n';
const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\n\r\n';

test('a WebSocket upgrade becomes a tunnel; bytes that come with the first packets of either side are not lost', async () => {
  await using kit = await setUp((connection) => connection.socket.write(`${SWITCH}from-backend-1`));
  const client = await RawClient.connect(kit.gateway.port);
  client.write(`${UPGRADE}from-client-1`);
  const response = await client.response();
  assert.equal(response.status, 101);
  assert.deepEqual(
    [response.headers['connection'], response.headers['upgrade'], response.headers['sec-websocket-accept']],
    ['upgrade', 'websocket', 'a'],
  );
  await client.until('from-backend-1');
  const connection = await eventually(() => kit.backend.connections[0]);
  await eventually(() => connection.received.endsWith('\r\n\r\nfrom-client-1'));
  assert.match(connection.received, /\r\nconnection: upgrade\r\nupgrade: websocket\r\n/);
  client.write('GET / HTTP/1.1\r\n\r\n');
  await eventually(() => connection.received.endsWith('from-client-1GET / HTTP/1.1\r\n\r\n'), {
    what: 'the tunnel is transparent',
  });
  connection.socket.write('\x00\xff\x81', 'latin1');
  await client.until('from-backend-1\x00\xff\x81');
  client.destroy();
  await eventually(() => connection.gone);
});

test('each side of a tunnel may end its half; the other goes on until it ends too', async () => {
  await using kit = await setUp((connection) => connection.socket.write(SWITCH));
  const client = await RawClient.connect(kit.gateway.port);
  client.write(UPGRADE);
  await client.response();
  client.socket.end('last words');
  const connection = await eventually(() => kit.backend.connections[0]);
  await eventually(() => connection.received.endsWith('last words') && connection.gone);
  connection.socket.end('and an answer');
  await client.until('and an answer');
  await client.over();
  await eventually(() => kit.gateway.log.length === 1);
  assert.deepEqual([kit.gateway.log[0]?.status, kit.gateway.log[0]?.flags], [101, '-']);
  assert.deepEqual([kit.gateway.log[0]?.bytesReceived, kit.gateway.log[0]?.bytesSent], [10, 13]);
});

test('the backend may end the tunnel first', async () => {
  await using kit = await setUp((connection) => connection.socket.write(SWITCH));
  const client = await RawClient.connect(kit.gateway.port);
  client.write(UPGRADE);
  await client.response();
  kit.backend.connections[0]?.socket.end('bye');
  await client.until('bye');
  await client.over();
  client.socket.end();
  await eventually(() => kit.gateway.proxy.connections === 0);
});

test('a backend that does not switch answers an ordinary request, and the connection goes on', async () => {
  await using kit = await setUp((connection) => connection.socket.write(ok('no')));
  const client = await RawClient.connect(kit.gateway.port);
  client.write(UPGRADE);
  assert.equal((await client.response()).body, 'no');
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await client.response()).body, 'no');
  client.destroy();
});

test('h2c, TLS and lists of protocols are not passed on; the request is served without them', async () => {
  for (const upgrade of ['h2c', 'H2C', 'h2', 'websocket, h2c', 'TLS/1.2', 'HTTP/2.0']) {
    await using kit = await setUp((connection) => connection.socket.write(ok('plain')));
    const response = await exchangeRaw(
      kit.gateway.port,
      `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${upgrade}\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
    );
    assert.equal(response.body, 'plain', upgrade);
    assert.doesNotMatch(kit.backend.bytes().toLowerCase(), /upgrade|http2-settings/, upgrade);
  }
});

test('Upgrade without Connection: upgrade, or with a body, is not an upgrade', async () => {
  await using kit = await setUp((connection) => connection.socket.write(SWITCH));
  const requests = [
    'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nx',
    'GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  ];
  for (const request of requests) {
    assert.equal((await exchangeRaw(kit.gateway.port, request)).status, 502, 'the backend switched uninvited');
  }
});

test('a switch to another protocol than the one asked for is refused', async () => {
  await using kit = await setUp((connection) => connection.socket.write(SWITCH.replace('websocket', 'other')));
  assert.equal((await exchangeRaw(kit.gateway.port, UPGRADE)).status, 502);
});

test('large amounts cross a tunnel both ways at once, unchanged', async () => {
  await using kit = await setUp((connection) => {
    if (connection.requests > 1) return;
    connection.socket.write(SWITCH);
    connection.socket.on('data', (text: string) => connection.socket.write(text, 'latin1'));
  });
  const client = await RawClient.connect(kit.gateway.port);
  client.write(UPGRADE);
  await client.response();
  const block = Array.from({ length: 65_536 }, (_, i) => String.fromCharCode(i % 251)).join('');
  for (let i = 0; i < 100; i += 1) client.write(block);
  await eventually(() => client.received.length === 100 * block.length, { timeoutMs: 10_000 });
  assert.ok(client.received === block.repeat(100));
  client.destroy();
});

test('an idle tunnel ends after the idle time of streams', async () => {
  await using kit = await setUp((connection) => connection.socket.write(SWITCH), { timeouts: { streamIdleMs: 150 } });
  const client = await RawClient.connect(kit.gateway.port);
  client.write(UPGRADE);
  await client.response();
  await client.over();
  await eventually(() => kit.backend.connections[0]?.gone);
  client.destroy();
});

test('the end of a client that ended before the switch reaches the backend', async () => {
  await using kit = await setUp((connection) => {
    setTimeout(() => connection.socket.write(SWITCH), 100);
  });
  const client = await RawClient.connect(kit.gateway.port);
  client.socket.end(UPGRADE);
  assert.equal((await client.response()).status, 101);
  const connection = await eventually(() => kit.backend.connections[0]);
  await eventually(() => connection.gone, { what: 'the backend sees the end' });
  connection.socket.end('bye');
  await client.until('bye');
  await client.over();
});
