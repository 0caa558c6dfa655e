import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { ClientHelloReader, MAX_HELLO_BYTES, parseClientHello } from '#gateway/proxy/tls/client-hello.ts';
import { captureClientHello } from './tls-kit.ts';

describe('ClientHelloReader', () => {
  let hello: Buffer;
  before(async () => {
    hello = await captureClientHello({ servername: 'App.Example.com', ALPNProtocols: ['h2', 'http/1.1'] });
  });
  const expected = { serverName: 'App.Example.com', alpn: ['h2', 'http/1.1'] };

  it('reads name and protocols of a real client', () => {
    assert.deepEqual(new ClientHelloReader().push(hello), expected);
  });

  it('gives the same result for every cut in two', () => {
    for (let cut = 1; cut < hello.length; cut++) {
      const reader = new ClientHelloReader();
      assert.equal(reader.push(hello.subarray(0, cut)), undefined, `after ${cut} bytes`);
      assert.deepEqual(reader.push(hello.subarray(cut)), expected, `cut at ${cut}`);
    }
  });

  it('keeps every byte, also those that follow the hello', () => {
    const reader = new ClientHelloReader();
    const all = Buffer.concat([hello, Buffer.from('early data')]);
    for (let i = 0; i < hello.length - 1; i++) assert.equal(reader.push(all.subarray(i, i + 1)), undefined);
    assert.deepEqual(reader.push(all.subarray(hello.length - 1)), expected);
    assert.deepEqual(Buffer.concat(reader.chunks), all);
  });

  it('joins a hello that comes in many TLS records', () => {
    for (const size of [1, 3, 100]) {
      const split = intoRecords(hello.subarray(5), size);
      if (split.length > MAX_HELLO_BYTES) continue;
      assert.deepEqual(new ClientHelloReader().push(split), expected, `records of ${size}`);
      const reader = new ClientHelloReader();
      for (let i = 0; i < split.length - 1; i++) assert.equal(reader.push(split.subarray(i, i + 1)), undefined);
      assert.deepEqual(reader.push(split.subarray(-1)), expected);
    }
  });

  it('knows a client without a server name', async () => {
    const bare = await captureClientHello({ host: '127.0.0.1' });
    assert.deepEqual(new ClientHelloReader().push(bare), { serverName: undefined, alpn: [] });
  });

  it('tells garbage, SSLv2, plain HTTP and other records apart from TLS at the first byte that shows it', () => {
    const refused: [string, Buffer][] = [
      ['plain-http', Buffer.from('GET / HTTP/1.1\r\n')],
      ['not-tls', Buffer.from([0x80, 0x2e, 0x01, 0x00, 0x02])],
      ['not-tls', Buffer.from('get /')],
      ['not-tls', Buffer.from([21, 3, 1, 0, 2, 1, 0])],
      ['not-tls', Buffer.from([22, 2, 0, 0, 5])],
      ['not-tls', Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
      ['malformed-hello', Buffer.from([22, 3, 1, 0, 0])],
      ['hello-too-large', Buffer.from([22, 3, 1, 0x40, 1, 1])],
      ['hello-too-large', Buffer.from([22, 3, 1, 0, 4, 1, 1, 0, 0])],
    ];
    for (const [reason, bytes] of refused) {
      assert.equal(new ClientHelloReader().push(bytes), reason, bytes.toString('hex'));
      const reader = new ClientHelloReader();
      let last: unknown;
      for (let i = 0; i < bytes.length && last === undefined; i++) last = reader.push(bytes.subarray(i, i + 1));
      assert.equal(last, reason, `${bytes.toString('hex')} byte by byte`);
    }
  });

  it('collects no more than 16 KiB, however small the records', () => {
    const message = Buffer.alloc(9000);
    message.set([1, 0, 0x23, 0x24]);
    const split = intoRecords(message, 1);
    const reader = new ClientHelloReader();
    let taken = 0;
    let result: unknown;
    for (; taken < split.length && result === undefined; taken++)
      result = reader.push(split.subarray(taken, taken + 1));
    assert.equal(result, 'hello-too-large');
    assert.equal(taken, MAX_HELLO_BYTES + 1);
  });

  it('refuses every truncation and never reads past the end', () => {
    const message = hello.subarray(5);
    // A hello may end before its extensions (RFC 5246 §7.4.1.2); that one cut is whole.
    const withoutExtensions = message.length - 2 - helloExtensionBytes(message);
    for (let length = 4; length < message.length; length++) {
      if (length === withoutExtensions) continue;
      assert.equal(parseClientHello(message.subarray(0, length)), 'malformed-hello', `of ${length} bytes`);
    }
  });

  it('refuses a repeated server name extension', () => {
    const extension = Buffer.concat([Buffer.from([0, 0, 0, 12, 0, 10, 0, 0, 7]), Buffer.from('aa.b.cc')]);
    assert.deepEqual(parseClientHello(helloWith(extension)), { serverName: 'aa.b.cc', alpn: [] });
    assert.equal(parseClientHello(helloWith(Buffer.concat([extension, extension]))), 'malformed-hello');
  });
});

function helloExtensionBytes(message: Buffer): number {
  const suites = 4 + 34 + 1 + (message[38] as number);
  const compression = suites + 2 + message.readUInt16BE(suites);
  return message.readUInt16BE(compression + 1 + (message[compression] as number));
}

function intoRecords(message: Buffer, size: number): Buffer {
  const records: Buffer[] = [];
  for (let i = 0; i < message.length; i += size) {
    const part = message.subarray(i, i + size);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(records);
}

function helloWith(extensions: Buffer): Buffer {
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32),
    Buffer.from([0, 0, 2, 0x13, 1, 1, 0]),
    Buffer.from([extensions.length >> 8, extensions.length & 255]),
    extensions,
  ]);
  return Buffer.concat([Buffer.from([1, 0, body.length >> 8, body.length & 255]), body]);
}
