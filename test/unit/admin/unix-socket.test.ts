import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { startAdmin } from '../../../admin/server.ts';
import { listenOnUnixSocket } from '../../../admin/unix-socket.ts';
import { recordingLog, startTestAdmin, temporaryDir } from './admin-kit.ts';
import { FakeBackend } from './fake-backend.ts';

test('the socket has mode 0600 in a folder of mode 0700, and is gone after closing', async (t) => {
  const admin = await startTestAdmin(t);
  assert.equal(lstatSync(admin.socket).mode & 0o777, 0o600);
  assert.equal(statSync(path.dirname(admin.socket)).mode & 0o777, 0o700);
  await admin.server.close();
  assert.ok(!existsSync(admin.socket));
});

test('what a killed process left is replaced', async (t) => {
  const file = path.join(temporaryDir(t), 'admin.sock');
  const script = `require('net').createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  assert.ok(lstatSync(file).isSocket());
  const server = net.createServer();
  t.after(() => server.close());
  await listenOnUnixSocket(server, file);
});

test('a socket that still answers is not taken away from its owner', async (t) => {
  const admin = await startTestAdmin(t);
  const second = net.createServer();
  await assert.rejects(listenOnUnixSocket(second, admin.socket), /Another mesh-gateway answers/);
  assert.ok(lstatSync(admin.socket).isSocket());
});

test('a file that is no socket is left alone', async (t) => {
  const file = path.join(temporaryDir(t), 'admin.sock');
  writeFileSync(file, 'precious');
  await assert.rejects(listenOnUnixSocket(net.createServer(), file), /is not a socket: move it away/);
  assert.ok(existsSync(file));
});

test('a path that is too long is refused in words', async (t) => {
  const file = path.join(temporaryDir(t), 'x'.repeat(100));
  await assert.rejects(listenOnUnixSocket(net.createServer(), file), /choose a shorter one/);
});

test('closing does not remove the socket of a successor', async (t) => {
  const file = path.join(temporaryDir(t), 'admin.sock');
  const first = net.createServer();
  const removeFirst = await listenOnUnixSocket(first, file);
  await new Promise((resolve) => first.close(resolve));
  const second = net.createServer();
  t.after(() => second.close());
  await listenOnUnixSocket(second, file);
  removeFirst();
  assert.ok(lstatSync(file).isSocket());
});

test('a TCP port in use is told in words, and the socket stays', async (t) => {
  const dir = temporaryDir(t);
  const occupied = net.createServer().listen(0, '127.0.0.1');
  t.after(() => occupied.close());
  await new Promise((resolve) => occupied.once('listening', resolve));
  const { port } = occupied.address() as net.AddressInfo;
  const socket = path.join(dir, 'run', 'admin.sock');
  mkdirSync(path.dirname(socket));
  const admin = { address: '127.0.0.1', port, socket };
  const options = { admin, stateDir: dir, backend: new FakeBackend(), programVersion: '0', log: recordingLog() };
  const server = await startAdmin(options);
  t.after(() => server.close());
  await assert.rejects(server.listen(), /cannot listen on 127\.0\.0\.1 port \d+: it is in use/);
  assert.ok(existsSync(socket));
});
