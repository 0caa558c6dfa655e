import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { FailureLimit } from '../../../admin/auth/failures.ts';
import { openToken } from '../../../admin/auth/token.ts';
import { bearer, errorOf, overTcp, overUnix, recordingLog, startTestAdmin, temporaryDir } from './admin-kit.ts';

test('over TCP every request needs the token, GETs and unknown paths too', async (t) => {
  const admin = await startTestAdmin(t);
  for (const target of ['/api/v1/status', '/openapi.json', '/nothing', '/api/v1/traffic/default/myapp']) {
    const without = await overTcp(admin, target);
    assert.equal(without.status, 401, target);
    assert.match(without.headers['www-authenticate'] ?? '', /^Bearer/);
    assert.equal(errorOf(without).code, 'unauthorized');
    const withToken = await overTcp(admin, target, { headers: bearer(admin) });
    assert.notEqual(withToken.status, 401, target);
  }
});

test('nothing but the exact token as a bearer passes', async (t) => {
  const admin = await startTestAdmin(t);
  const wrong = [
    'Bearer',
    'Bearer ',
    `Bearer ${admin.token}x`,
    `Bearer ${admin.token.slice(0, -1)}`,
    `Bearer ${admin.token} ${admin.token}`,
    `Basic ${admin.token}`,
    admin.token,
    `Bearer ${admin.token.toUpperCase()}`,
  ];
  for (const authorization of wrong) {
    assert.equal((await overTcp(admin, '/api/v1/status', { headers: { authorization } })).status, 401, authorization);
  }
  const relaxed = await overTcp(admin, '/api/v1/status', { headers: { authorization: `bearer  ${admin.token}` } });
  assert.equal(relaxed.status, 200);
});

test('the unix socket needs no token', async (t) => {
  const admin = await startTestAdmin(t);
  assert.equal((await overUnix(admin, '/api/v1/status')).status, 200);
});

test('a refused request changes nothing and never reaches the backend', async (t) => {
  const admin = await startTestAdmin(t);
  const reply = await overTcp(admin, '/api/v1/traffic/default/myapp', {
    method: 'PUT',
    body: { weights: { v1: 1, v2: 1 } },
  });
  assert.equal(reply.status, 401);
  assert.deepEqual(admin.backend.shifts, []);
});

test('tokens are compared in constant time, as digests of one length', async (t) => {
  const admin = await startTestAdmin(t);
  const compare = t.mock.method(crypto, 'timingSafeEqual');
  syncBuiltinESMExports();
  t.after(() => {
    compare.mock.restore();
    syncBuiltinESMExports();
  });
  await overTcp(admin, '/api/v1/status', { headers: { authorization: 'Bearer x' } });
  await overTcp(admin, '/api/v1/status', { headers: bearer(admin) });
  assert.deepEqual(
    compare.mock.calls.map(({ arguments: [a, b] }) => [a.byteLength, b.byteLength]),
    [
      [32, 32],
      [32, 32],
    ],
  );
});

test('the token is made on the first start: 32 random bytes, 0600, kept by the next start, never logged', (t) => {
  const stateDir = path.join(temporaryDir(t), 'state');
  const log = recordingLog();
  const token = openToken(stateDir, log);
  const secret = readFileSync(token.file, 'utf8').trim();
  assert.equal(Buffer.from(secret, 'base64url').byteLength, 32);
  assert.equal(statSync(token.file).mode & 0o777, 0o600);
  assert.equal(statSync(stateDir).mode & 0o777, 0o700);
  assert.ok(openToken(stateDir, log).equals(secret));
  assert.ok(!token.equals(`${secret}x`));
  assert.ok(!`${log.lines.join()} ${inspect(token)} ${JSON.stringify({ token })} ${String(token)}`.includes(secret));
});

test('a token file that others may read is closed, with a warning', (t) => {
  const stateDir = temporaryDir(t);
  const { file } = openToken(stateDir, recordingLog());
  chmodSync(file, 0o644);
  const log = recordingLog();
  openToken(stateDir, log);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(log.lines.join(), /could be read by other users/);
});

test('a token file without a usable token is replaced, with a warning', (t) => {
  const stateDir = temporaryDir(t);
  const file = path.join(stateDir, 'admin-token');
  for (const content of ['', '\n', 'short', 'x'.repeat(600), `${'x'.repeat(40)} y`]) {
    writeFileSync(file, content, { mode: 0o600 });
    const log = recordingLog();
    openToken(stateDir, log);
    assert.match(readFileSync(file, 'utf8'), /^[\w-]{43}\n$/);
    assert.match(log.lines.join(), /no usable token/);
  }
});

test('the token appears in no log line, whatever is asked', async (t) => {
  const admin = await startTestAdmin(t);
  await overTcp(admin, '/api/v1/status', { headers: bearer(admin) });
  await overTcp(admin, '/api/v1/status', { headers: { authorization: `Bearer ${admin.token}x` } });
  await overTcp(admin, '/api/v1/traffic/default/myapp', {
    method: 'PUT',
    headers: bearer(admin),
    body: { weights: { v1: 1 } },
  });
  assert.ok(admin.log.lines.length > 0);
  assert.ok(!admin.log.lines.join('\n').includes(admin.token));
});

test('many wrong tokens are slowed down, and a right one still passes', async (t) => {
  const admin = await startTestAdmin(t);
  const statuses: number[] = [];
  for (let i = 0; i < 15; i++) {
    statuses.push((await overTcp(admin, '/api/v1/status', { headers: { authorization: 'Bearer wrong' } })).status);
  }
  assert.deepEqual(
    statuses.slice(0, 10),
    Array.from({ length: 10 }, () => 401),
  );
  assert.ok(statuses.includes(429));
  assert.equal((await overTcp(admin, '/api/v1/status', { headers: bearer(admin) })).status, 200);
});

test('failures are counted by address, forgiven with time, in bounded memory', () => {
  let now = 0;
  const limit = new FailureLimit(() => now);
  const attempt = (address: string) => limit.permits(address);
  assert.deepEqual(
    Array.from({ length: 11 }, () => attempt('a')),
    [...Array.from({ length: 10 }, () => true), false],
  );
  assert.ok(attempt('b'));
  now += 2_000;
  assert.deepEqual([attempt('a'), attempt('a'), attempt('a')], [true, true, false]);
  for (let i = 0; i < 5_000; i++) attempt(`address-${i}`);
  assert.ok(limit.size <= 256);
});
