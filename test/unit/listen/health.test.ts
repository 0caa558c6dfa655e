import assert from 'node:assert/strict';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { serveHealth } from '#gateway/proxy/listen/health.ts';
import { exchangeRaw } from '#test/kit/raw-client.ts';

test('health is told to every request target, also to one that is no URL', async () => {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = serveHealth(server, 10, () => ({ ready: true, checks: {} }));
  const statusOf = async (target: string): Promise<number> =>
    (await exchangeRaw(port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)).status;
  try {
    assert.equal(await statusOf('/healthz/ready'), 200);
    assert.equal(await statusOf('/healthz/live'), 200);
    assert.equal(await statusOf('/other'), 404);
    for (const target of ['//', '//:x', 'http://[']) assert.equal(await statusOf(target), 400, target);
  } finally {
    close();
    server.close();
  }
});
