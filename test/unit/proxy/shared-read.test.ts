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

test('a pause asked for by bytes that were there before holds', async () => {
  const server = net.createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<net.Socket>((resolve) => server.on('connection', resolve));
  const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write('early');
  const socket = await accepted;
  let text = '';
  try {
    socket.read(0);
    await eventually(() => socket.readableLength > 0);
    new SharedRead({ mode: 'shared' }).attach(socket, (buffer, length) => {
      text += buffer.toString('latin1', 0, length);
      socket.pause();
    });
    client.write('late');
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(text, 'early');
    socket.resume();
    await eventually(() => text === 'earlylate');
  } finally {
    client.destroy();
    socket.destroy();
    server.close();
  }
});
