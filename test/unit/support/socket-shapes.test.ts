import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

/**
 * A quiet start: a few sockets, then a collection while none is alive, then connections. Prints whether the last accepted socket,
 * and a TLS socket over it, are plain objects to V8, not dictionaries.
 */
const quietStart = `
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
for (let count = 0; count < 6; count++) new net.Socket().destroy();
for (let round = 0; round < 12; round++) {
  await new Promise((resolve) => setImmediate(resolve));
  gc();
}
const server = net.createServer();
const secureContext = tls.createSecureContext();
await once(server.listen(0, '127.0.0.1'), 'listening');
let shapes;
for (let count = 0; count < 3; count++) {
  net.connect(server.address().port, '127.0.0.1').on('error', () => {});
  const [socket] = await once(server, 'connection');
  shapes = [%HasFastProperties(socket), %HasFastProperties(new tls.TLSSocket(socket, { isServer: true, secureContext }))];
}
console.log(JSON.stringify(shapes));
process.exit(0);
`;

async function shapesAfter(beginning: string): Promise<unknown> {
  const flags = ['--allow-natives-syntax', '--expose-gc', '--no-warnings', '--input-type=module'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '-e', beginning + quietStart]);
  return JSON.parse(stdout);
}

test('sockets stay plain objects, however quiet the start was', async () => {
  const file = new URL('../../../gateway/support/socket-shapes.ts', import.meta.url).href;
  const settle = `import { settleSocketShapes } from '${file}'; await settleSocketShapes();`;
  assert.deepEqual(await shapesAfter(settle), [true, true]);
});

test('without that, this Node would make dictionaries of them', async () => {
  const [plain] = (await shapesAfter('')) as boolean[];
  assert.equal(plain, false);
});
