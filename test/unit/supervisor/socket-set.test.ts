import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { selfTest } from '../../../gateway/supervisor/listening-socket.ts';
import { SocketSet } from '../../../gateway/supervisor/socket-set.ts';
import { freePorts } from '../../kit/ports.ts';

test('this Node can share listening sockets', () => {
  assert.equal(selfTest(), undefined);
});

test('ports come and go, and a taken one is reported and tried again', async () => {
  const [first = 0, second = 0] = await freePorts(2);
  const squatter = net.createServer();
  await new Promise<void>((resolve) => squatter.listen(second, '::', resolve));
  const sockets = new SocketSet({ address: '::', inheritedFds: [] });
  assert.deepEqual(sockets.reconcile([first, second]), { opened: [first], closed: [] });
  assert.deepEqual(sockets.failures, [{ port: second, code: 'EADDRINUSE' }]);
  await new Promise((resolve) => squatter.close(resolve));
  assert.deepEqual(sockets.reconcile([second]), { opened: [second], closed: [first] });
  assert.deepEqual(sockets.failures, []);
  sockets.closeAll();
});
