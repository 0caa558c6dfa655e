import assert from 'node:assert/strict';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { probeSharedRead, SharedRead } from '#gateway/support/shared-read.ts';
import { eventually } from '#test/kit/eventually.ts';

test('accepted sockets of this Node can share a read buffer: the fast path is in use', async () => {
  assert.equal(await probeSharedRead(), 'shared');
});

for (const mode of ['shared', 'data'] as const) {
  test(`all bytes, pauses and the end arrive (${mode})`, async () => {
    const read = new SharedRead({ mode });
    const buffers = new Set<Buffer>();
    let text = '';
    let ended = false;
    let accepted: net.Socket | undefined;
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      accepted = socket;
      read.attach(socket, (buffer, length) => {
        buffers.add(buffer);
        text += buffer.toString('latin1', 0, length);
      });
      socket.on('end', () => {
        ended = true;
        socket.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write('one ');
    await eventually(() => text === 'one ');
    accepted?.pause();
    client.write('two ');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(text, 'one ', 'nothing is read while paused');
    accepted?.resume();
    await eventually(() => text === 'one two ');
    client.end('three');
    await eventually(() => ended);
    assert.equal(text, 'one two three');
    if (mode === 'shared') assert.equal(buffers.size, 1);
    server.close();
  });
}
