import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { TestGateway } from '../kit/gateway.ts';
import { startMyApp } from '../kit/myapp.ts';
import { freePorts } from '../kit/ports.ts';

test('a node that says it is ready takes connections on every one of its ports', async (t) => {
  const app = await startMyApp();
  t.after(() => app.close());
  // Handing many sockets over takes a while, in which the first of them is served already.
  const ports = await freePorts(40);
  const gateway = await TestGateway.start({ routes: app.routes, workers: 1, settings: { ports: { 80: ports } } });
  t.after(() => gateway.stop());
  await Promise.all(
    ports.map(async (port) => {
      const socket = net.connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.destroy();
    }),
  );
  assert.equal(await gateway.terminate(), 0);
});
