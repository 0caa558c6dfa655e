import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { requires } from '#test/kit/require.ts';
import { datagramSender, socketAddress } from '../../../systemd/datagram.ts';
import { openNotifier, watchdogIntervalMs } from '../../../systemd/notify.ts';

/** Binds a datagram socket, says `bound`, then prints each datagram with its sender's pid as a line of JSON. */
const receiverSource = `
import json, os, socket, struct, sys
name = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.bind('\\0' + name[1:] if name.startswith('@') else name)
print('"bound"', flush=True)
while True:
    data, ancillary, _, _ = s.recvmsg(65536, 1024)
    pid = None
    for level, kind, payload in ancillary:
        if kind == socket.SCM_RIGHTS:
            for fd in struct.unpack('%di' % (len(payload) // 4), payload): os.close(fd)
        elif kind == socket.SCM_CREDENTIALS:
            pid = struct.unpack('3i', payload)[0]
    print(json.dumps({'text': data.decode(), 'pid': pid}), flush=True)
`;

type Datagram = { readonly text: string; readonly pid: number };
type Receiver = { readonly address: string; next(): Promise<Datagram>; close(): void };

async function openReceiver(address: string): Promise<Receiver> {
  const child: ChildProcess = spawn('python3', ['-c', receiverSource, address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('no stdout');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
  assert.equal(await next(), 'bound');
  return {
    address,
    next: async () => (await next()) as Datagram,
    close: () => void child.kill('SIGKILL'),
  };
}

const noReceiver = requires({ programs: ['python3'] });
const noProgram = requires({ programs: ['python3', 'systemd-notify'] });

for (const kind of ['path', 'abstract'] as const) {
  describe(`a service manager listening on ${kind === 'path' ? 'a socket path' : 'an abstract name'}`, {
    skip: noReceiver,
  }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'notify-'));
    let receiver: Receiver;
    before(async () => {
      receiver = await openReceiver(kind === 'path' ? join(folder, 'notify') : `@mesh-gateway-test-${process.pid}`);
    });
    after(() => {
      receiver.close();
      rmSync(folder, { recursive: true });
    });

    test('hears each message as one datagram, sent by this very process', async () => {
      const failures: string[] = [];
      const notifier = openNotifier({ NOTIFY_SOCKET: receiver.address }, (message) => failures.push(message));
      assert.equal(notifier.road, 'socket');

      notifier.ready('serving 2 listeners');
      assert.deepEqual(await receiver.next(), { text: 'READY=1\nSTATUS=serving 2 listeners', pid: process.pid });
      notifier.status('two\nlines');
      assert.equal((await receiver.next()).text, 'STATUS=two lines');
      notifier.watchdog();
      assert.equal((await receiver.next()).text, 'WATCHDOG=1');
      notifier.reloading();
      assert.match((await receiver.next()).text, /^RELOADING=1\nMONOTONIC_USEC=[0-9]+$/);
      notifier.stopping('draining');
      assert.equal((await receiver.next()).text, 'STOPPING=1\nSTATUS=draining');
      notifier.mainPid(4711);
      assert.equal((await receiver.next()).text, 'MAINPID=4711\nREADY=1');
      assert.deepEqual(failures, []);
    });
  });
}

test('without node:ffi the package systemd-notify brings READY, STATUS and MAINPID in order', {
  skip: noProgram,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'notify-'));
  const receiver = await openReceiver(join(folder, 'notify'));
  const before = process.env['NOTIFY_SOCKET'];
  try {
    process.env['NOTIFY_SOCKET'] = receiver.address; // the program reads its own environment
    const notifier = openNotifier({ NOTIFY_SOCKET: receiver.address }, assert.fail, null);
    assert.equal(notifier.road, 'program');
    notifier.ready('first');
    notifier.status('second');
    notifier.mainPid(4711);
    const texts: string[] = [];
    // The program waits for an answer to the barrier that it sends last, and fails without a receiver.
    for (let barriers = 0; barriers < 3; ) {
      const { text } = await receiver.next();
      if (text === 'BARRIER=1') barriers += 1;
      else texts.push(text);
    }
    assert.equal(texts.length, 3);
    assert.match(texts[0] ?? '', /READY=1/);
    assert.match(texts[0] ?? '', /STATUS=first/);
    assert.match(texts[1] ?? '', /STATUS=second/);
    assert.match(texts[2] ?? '', /MAINPID=4711/);
  } finally {
    if (before === undefined) delete process.env['NOTIFY_SOCKET'];
    else process.env['NOTIFY_SOCKET'] = before;
    receiver.close();
    rmSync(folder, { recursive: true });
  }
});

test('without NOTIFY_SOCKET every call does nothing', () => {
  const notifier = openNotifier({}, assert.fail);
  assert.equal(notifier.road, 'none');
  notifier.ready();
  notifier.watchdog();
  notifier.stopping();
});

test('a socket that nobody listens on is reported, not thrown', {
  skip: datagramSender() === null && 'no node:ffi',
}, () => {
  const failures: string[] = [];
  const notifier = openNotifier({ NOTIFY_SOCKET: '/nonexistent/notify' }, (message) => failures.push(message));
  notifier.ready('x');
  assert.deepEqual(failures, ['the service manager did not take: READY=1']);
});

test('a socket address is written as the kernel reads it', () => {
  assert.deepEqual(socketAddress('/run/n'), Buffer.from([1, 0, ...Buffer.from('/run/n'), 0]));
  assert.deepEqual(socketAddress('@n'), Buffer.from([1, 0, 0, 0x6e]));
  assert.equal(socketAddress('relative'), undefined);
  assert.equal(socketAddress(''), undefined);
  assert.equal(socketAddress(`/${'x'.repeat(107)}`), undefined);
  assert.equal(socketAddress(`/${'x'.repeat(106)}`)?.length, 110);
});

test('the watchdog is due in half the time the unit allows, and only for the process it names', () => {
  assert.equal(watchdogIntervalMs({ WATCHDOG_USEC: '10000000', WATCHDOG_PID: '7' }, 7), 5000);
  assert.equal(watchdogIntervalMs({ WATCHDOG_USEC: '10000000' }, 7), 5000);
  assert.equal(watchdogIntervalMs({ WATCHDOG_USEC: '10000000', WATCHDOG_PID: '8' }, 7), undefined);
  assert.equal(watchdogIntervalMs({ WATCHDOG_USEC: '0' }, 7), undefined);
  assert.equal(watchdogIntervalMs({ WATCHDOG_USEC: 'soon' }, 7), undefined);
  assert.equal(watchdogIntervalMs({}, 7), undefined);
});
