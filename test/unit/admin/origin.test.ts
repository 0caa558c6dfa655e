import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { checkAdminAddress } from '../../../admin/address.ts';
import { startAdmin } from '../../../admin/server.ts';
import { makeCa } from '../../kit/certificates.ts';
import {
  bearer,
  errorOf,
  overTcp,
  overTls,
  overUnix,
  recordingLog,
  startTestAdmin,
  temporaryDir,
} from './admin-kit.ts';
import { FakeBackend } from './fake-backend.ts';

const hosts: readonly (readonly [host: string, status: number])[] = [
  ['localhost', 200],
  ['LOCALHOST:15000', 200],
  ['127.0.0.1', 200],
  ['127.0.0.1:8080', 200],
  ['[::1]:15000', 200],
  ['[::1]', 200],
  ['evil.example', 421],
  ['evil.example:15000', 421],
  ['localhost.evil.example', 421],
  ['127.0.0.1.nip.io', 421],
  ['127.0.0.2', 421],
  ['10.0.0.1:15000', 421],
  ['localhost:15000@evil.example', 400],
  ['localhost/x', 400],
];

for (const [host, status] of hosts) {
  test(`Host "${host}" over TCP is answered ${status}`, async (t) => {
    const admin = await startTestAdmin(t);
    const reply = await overTcp(admin, '/api/v1/status', { headers: { ...bearer(admin), host } });
    assert.equal(reply.status, status);
    if (status !== 200) assert.match(errorOf(reply).code, /^(misdirected-host|bad-request)$/);
  });
}

test('a page of any other origin is refused, also from another port of this machine', async (t) => {
  const admin = await startTestAdmin(t);
  const ask = (origin: string) =>
    overTcp(admin, '/api/v1/status', { headers: { ...bearer(admin), host: 'localhost:15000', origin } });
  assert.equal((await ask('http://localhost:15000')).status, 200);
  for (const origin of [
    'http://evil.example',
    'http://localhost',
    'http://localhost:3000',
    'https://localhost:15000',
    'null',
  ]) {
    const reply = await ask(origin);
    assert.equal(reply.status, 403, origin);
    assert.equal(errorOf(reply).code, 'forbidden-origin');
    assert.equal(reply.headers['access-control-allow-origin'], undefined);
  }
});

test('a wrong Host is refused before the token is looked at', async (t) => {
  const admin = await startTestAdmin(t);
  assert.equal((await overTcp(admin, '/api/v1/status', { headers: { host: 'evil.example' } })).status, 421);
});

test('a request without Host, and bytes that are no HTTP, get the same error shape', async (t) => {
  const admin = await startTestAdmin(t);
  for (const [bytes, code] of [
    ['GET /api/v1/status HTTP/1.1\r\nConnection: close\r\n\r\n', 'bad-request'],
    ['GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n', 'bad-request'],
    ['GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n', 'bad-request'],
    ['this is no http\r\n\r\n', 'bad-request'],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 'header-too-large'],
  ] as const) {
    const socket = net.connect(admin.port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.write(bytes);
    await once(socket, 'close');
    assert.match(text, /^HTTP\/1\.1 4\d\d /);
    assert.equal((JSON.parse(text.slice(text.indexOf('\r\n\r\n'))) as { error: { code: string } }).error.code, code);
  }
});

test('the unix socket takes any Host', async (t) => {
  const admin = await startTestAdmin(t);
  assert.equal((await overUnix(admin, '/api/v1/status', { headers: { host: 'whatever' } })).status, 200);
});

test('only loopback addresses may do without TLS; the refusal says what to do', () => {
  for (const address of ['127.0.0.1', '127.8.8.8', '::1', 'localhost', '::ffff:127.0.0.1']) {
    assert.equal(checkAdminAddress({ address, port: 15000 }), undefined, address);
  }
  for (const address of ['0.0.0.0', '::', '10.1.2.3', 'fd00::1', 'node.example', '127.example', '1270.0.0.1']) {
    assert.match(checkAdminAddress({ address, port: 15000 }) ?? '', /set admin\.tls.*or use 127\.0\.0\.1/, address);
  }
  const tls = { certificate: 'a', privateKey: 'b' };
  assert.equal(checkAdminAddress({ address: '0.0.0.0', port: 15000, tls }), undefined);
});

test('a public address without TLS does not start', async (t) => {
  const dir = temporaryDir(t);
  const admin = { address: '0.0.0.0', port: 0, socket: path.join(dir, 's') };
  const options = { admin, stateDir: dir, backend: new FakeBackend(), programVersion: '0', log: recordingLog() };
  await assert.rejects(startAdmin(options), /without TLS the admin token would cross the network in the clear/);
});

test('with TLS a public address works, under the names of its certificate', async (t) => {
  const dir = temporaryDir(t);
  const ca = await makeCa();
  const issued = await ca.issue({ names: ['127.0.0.1', 'gateway.example'] });
  const files = { certificate: path.join(dir, 'cert.pem'), privateKey: path.join(dir, 'key.pem') };
  mkdirSync(dir, { recursive: true });
  writeFileSync(files.certificate, issued.certificatePem);
  writeFileSync(files.privateKey, issued.privateKeyPem, { mode: 0o600 });
  const admin = await startTestAdmin(t, { address: '0.0.0.0', tls: files });
  const ask = (host: string) =>
    overTls(admin, '/api/v1/status', {
      headers: { ...bearer(admin), host },
      ca: ca.certificatePem,
      servername: 'gateway.example',
    });
  assert.equal((await ask(`127.0.0.1:${admin.port}`)).status, 200);
  assert.equal((await ask('gateway.example')).status, 200);
  assert.equal((await ask('evil.example')).status, 421);
  await assert.rejects(overTcp(admin, '/api/v1/status'));
});
