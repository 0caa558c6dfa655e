import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { childEnvironment, inheritedSockets } from '../../../systemd/listen-fds.ts';

const all = () => true;

test('sockets are told apart by name, in the order they came', () => {
  const env = { LISTEN_FDS: '2', LISTEN_PID: '7', LISTEN_FDNAMES: 'mesh-gateway-https:mesh-gateway-http' };
  assert.deepEqual(inheritedSockets(env, 7, all), {
    sockets: [
      { name: 'mesh-gateway-https', fd: 3 },
      { name: 'mesh-gateway-http', fd: 4 },
    ],
    problems: [],
  });
});

test('sockets meant for another process are left alone', () => {
  assert.deepEqual(inheritedSockets({ LISTEN_FDS: '1', LISTEN_PID: '8' }, 7, all).sockets, []);
  assert.deepEqual(inheritedSockets({ LISTEN_FDS: '1' }, 7, all).sockets, []);
  assert.deepEqual(inheritedSockets({}, 7, all), { sockets: [], problems: [] });
});

test('a socket without a name is taken as `unknown`', () => {
  assert.deepEqual(inheritedSockets({ LISTEN_FDS: '1', LISTEN_PID: '7' }, 7, all).sockets, [
    { name: 'unknown', fd: 3 },
  ]);
});

test('what is announced but is no open socket is a problem, and the others are taken', () => {
  const env = { LISTEN_FDS: '2', LISTEN_PID: '7', LISTEN_FDNAMES: 'a:b' };
  const { sockets, problems } = inheritedSockets(env, 7, (fd) => fd === 4);
  assert.deepEqual(sockets, [{ name: 'b', fd: 4 }]);
  assert.deepEqual(problems, ['descriptor 3 (a) was announced by LISTEN_FDS but is not an open socket']);
});

test('a count that is no number is a problem', () => {
  for (const count of ['-1', '1e3', ' 1', '99999', 'two']) {
    const { sockets, problems } = inheritedSockets({ LISTEN_FDS: count, LISTEN_PID: '7' }, 7, all);
    assert.deepEqual(sockets, []);
    assert.equal(problems.length, 1, count);
  }
});

test('children inherit the environment without what was meant for the main process', () => {
  const env = {
    PATH: '/bin',
    LISTEN_FDS: '1',
    LISTEN_PID: '7',
    LISTEN_FDNAMES: 'a',
    NOTIFY_SOCKET: '/n',
    WATCHDOG_USEC: '1',
    WATCHDOG_PID: '7',
    GONE: undefined,
  };
  assert.deepEqual(childEnvironment(env), { PATH: '/bin' });
});

test('a real listening socket that a child inherits is recognised by the child', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const handle = (server as unknown as { _handle: { fd: number } })._handle; // the descriptor is not public
  const module = fileURLToPath(new URL('../../../systemd/listen-fds.ts', import.meta.url));
  const script = `
    const { inheritedSockets } = await import(${JSON.stringify(module)});
    process.env.LISTEN_PID = String(process.pid);
    console.log(JSON.stringify(inheritedSockets(process.env)));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit', handle.fd],
    env: { ...process.env, LISTEN_FDS: '2', LISTEN_FDNAMES: 'http:missing' },
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(child, 'close');
  server.close();
  const { sockets } = JSON.parse(output) as ReturnType<typeof inheritedSockets>;
  assert.deepEqual(sockets[0], { name: 'http', fd: 3 });
});
