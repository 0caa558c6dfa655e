import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { get, TestGateway } from '../kit/gateway.ts';
import { type MyApp, startMyApp } from '../kit/myapp.ts';

let app: MyApp;
let gateway: TestGateway;

before(async () => {
  app = await startMyApp();
  gateway = await TestGateway.start({ routes: app.routes });
});

after(async () => {
  await gateway?.stop();
  await app?.close();
});

const damages: [string, (text: string) => string][] = [
  ['cannot be parsed', (text) => text.replace(/^./, '?')],
  ['cannot be compiled', (text) => text.replace('"from":0', '"from":7')],
];
for (const [what, damage] of damages)
  test(`a last good snapshot that ${what} is replaced, and no worker dies of it`, async () => {
    await gateway.terminate();
    const folder = path.join(gateway.dir, 'state', 'last-good');
    const name = readdirSync(folder).find((file) => file.startsWith('full-')) ?? '';
    const text = readFileSync(path.join(folder, name), 'utf8');
    writeFileSync(path.join(folder, name), damage(text));
    assert.notEqual(readFileSync(path.join(folder, name), 'utf8'), text);
    await gateway.boot();
    await eventually(async () => (await get(gateway.httpPort, '/')).status === 200);
    await eventually(async () => (await gateway.workers()).every((worker) => worker.version > 0));
    assert.deepEqual(
      (await gateway.workers()).map((worker) => worker.restarts),
      [0, 0],
    );
  });

test('a port that another program had is opened as soon as it is free, without any change', async () => {
  await gateway.terminate();
  const squatter = net.createServer();
  await new Promise<void>((resolve) => squatter.listen(gateway.httpPort, '::', resolve));
  await gateway.boot();
  const isTaken = async (): Promise<boolean> =>
    (await gateway.problems()).some((text) => text.includes(`Port ${gateway.httpPort} `));
  await eventually(isTaken);
  await new Promise((resolve) => squatter.close(resolve));
  await eventually(async () => (await get(gateway.httpPort, '/')).status === 200);
  await eventually(async () => !(await isTaken()));
});

test("while another program has the admin API's port, the socket tells it; freed, the port answers", async () => {
  await gateway.terminate();
  const squatter = net.createServer();
  await new Promise<void>((resolve) => squatter.listen(gateway.adminPort, '127.0.0.1', resolve));
  await gateway.boot();
  const isTold = async (): Promise<boolean> =>
    (await gateway.problems()).some((text) => text.includes(`127.0.0.1 port ${gateway.adminPort}: it is in use`));
  await eventually(isTold);
  await new Promise((resolve) => squatter.close(resolve));
  // Without the token.
  await eventually(async () => (await get(gateway.adminPort, '/api/v1/status')).status === 401);
  await eventually(async () => !(await isTold()));
});

test('statistics that cannot be written cost a scrape, not the program', async () => {
  const { pid } = gateway;
  rmSync(path.join(gateway.dir, 'run', 'statistics'), { recursive: true });
  await get(gateway.metricsPort, '/metrics').catch(() => undefined);
  assert.equal((await get(gateway.httpPort, '/')).status, 200);
  assert.equal((await gateway.workers()).length, 2);
  assert.equal(gateway.pid, pid);
});

test('health checks are answered as soon as another program has left their port', async (t) => {
  await gateway.terminate();
  const squatter = net.createServer((socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')),
  );
  t.after(() => squatter.close());
  await new Promise<void>((resolve) => squatter.listen(gateway.healthPort, '127.0.0.1', resolve));
  await gateway.boot();
  // The other program answers in our place, so `boot` has not waited for the start.
  await eventually(async () => (await gateway.workers()).some((worker) => worker.version > 0), { timeoutMs: 20_000 });
  await new Promise((resolve) => squatter.close(resolve));
  await eventually(async () => (await get(gateway.healthPort, '/healthz/ready')).body === 'ready\n');
});
