import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CHUNK_END, ChunkedDecoder, chunkStart, LAST_CHUNK, lastChunkWith } from '#gateway/proxy/codec/chunked.ts';
import { verdict } from './codec-kit.ts';

type Decoded = { readonly outcome: string; readonly body: string; readonly trailers: string; readonly used: number };

function decode(text: string, size = text.length, decoder = new ChunkedDecoder()): Decoded {
  const bytes = Buffer.from(text, 'latin1');
  let body = '';
  let trailers = '';
  let used = 0;
  const sink = {
    onData: (buffer: Buffer, start: number, end: number) => (body += buffer.toString('latin1', start, end)),
    onTrailers: (section: Parameters<typeof lastChunkWith>[0], buffer: Buffer) =>
      (trailers = lastChunkWith(section, buffer)),
  };
  while (used < bytes.length && !decoder.done) {
    const result = decoder.feed(bytes, used, Math.min(bytes.length, used + size), sink);
    if (result < 0) return { outcome: verdict(result), body, trailers, used };
    used = result;
  }
  return { outcome: decoder.done ? 'done' : 'incomplete', body, trailers, used };
}

describe('ChunkedDecoder', () => {
  it('gives the content and stops at the end of the body', () => {
    const text = '5\r\nhello\r\n00C;x=y\r\n, world 1234\r\n0\r\n\r\n';
    const expected = { outcome: 'done', body: 'hello, world 1234', trailers: '', used: text.length };
    for (const size of [1, 2, 3, 7, 100])
      assert.deepEqual(decode(`${text}GET / HTTP/1.1`, size), expected, `pieces of ${size}`);
  });

  const cases: readonly (readonly [string, string])[] = [
    ['0\r\n\r\n', 'done'],
    ['000\r\n\r\n', 'done'],
    ['0;a;b=c;d="e \\" f"\r\n\r\n', 'done'],
    ['1\r\nx\r\n', 'incomplete'],
    ['0\r\n', 'incomplete'],
    ['\r\n', '400 invalid_chunk_size'],
    ['0x1\r\nx\r\n', '400 invalid_chunk_size'],
    ['+1\r\nx\r\n', '400 invalid_chunk_size'],
    ['-1\r\nx\r\n', '400 invalid_chunk_size'],
    [' 1\r\nx\r\n', '400 invalid_chunk_size'],
    ['1 \r\nx\r\n', '400 invalid_chunk_size'],
    ['1 ;a\r\nx\r\n', '400 invalid_chunk_size'],
    ['1g\r\nx\r\n', '400 invalid_chunk_size'],
    ['1fffffffffffff\r\n', 'incomplete'],
    ['20000000000000\r\n', '400 invalid_chunk_size'],
    ['00000000000000001\r\nx\r\n', '400 invalid_chunk_size'],
    ['0000000000000001\r\nx\r\n', 'incomplete'],
    ['1\nx\r\n', '400 bare_lf'],
    ['1\r\r\nx', '400 bare_cr'],
    ['1\r\nxx\r\n', '400 invalid_chunk_end'],
    ['1\r\nx\n', '400 invalid_chunk_end'],
    ['1\r\nx\rx', '400 invalid_chunk_end'],
    ['1;\r\nx\r\n', '400 invalid_chunk_extension'],
    ['1; a\r\nx\r\n', '400 invalid_chunk_extension'],
    ['1;a=\r\nx\r\n', '400 invalid_chunk_extension'],
    ['1;a=b c\r\nx\r\n', '400 invalid_chunk_extension'],
    ['1;a="\r\n"\r\nx\r\n', '400 invalid_chunk_extension'],
    ['1;a="b"c\r\nx\r\n', '400 invalid_chunk_extension'],
    ['1;a\nx\r\n', '400 bare_lf'],
    ['1;a\rb\r\nx', '400 bare_cr'],
    ['0\r\n\n', '400 bare_lf'],
    ['0\r\n\rx', '400 bare_cr'],
    ['0\r\nX: a\r\n b\r\n\r\n', '400 line_folding'],
    ['0\r\nX : a\r\n\r\n', '400 blank_before_colon'],
    ['0\r\nContent-Length: 1\r\n\r\n', '400 framing_in_trailers'],
    ['0\r\nTransfer-Encoding: chunked\r\n\r\n', '400 framing_in_trailers'],
  ];
  for (const [text, expected] of cases) {
    it(`${JSON.stringify(text)}: ${expected}`, () => {
      assert.equal(decode(text).outcome, expected);
      assert.equal(decode(text, 1).outcome, expected, 'byte by byte');
    });
  }

  it('keeps trailers, without those that only a head may hold', () => {
    const text =
      '0\r\nX-Sum: 1\r\nHost: b\r\nAuthorization: x\r\nSet-Cookie: a\r\nX-Forwarded-For: c\r\nGrpc-Status: 0\r\n\r\n';
    for (const size of [1, 5, 1000]) {
      assert.equal(decode(`${text}next`, size).trailers, '0\r\nX-Sum: 1\r\nGrpc-Status: 0\r\n\r\n');
      assert.equal(decode(`${text}next`, size).used, text.length);
    }
  });

  it('bounds extensions over the whole body, and trailers', () => {
    const limits = { extensionBytes: 20, trailerBytes: 40, trailerCount: 2 };
    const of = (text: string, size?: number): string => decode(text, size, new ChunkedDecoder(limits)).outcome;
    assert.equal(of('1;abc\r\nx\r\n'.repeat(5)), 'incomplete');
    assert.equal(of('1;abc\r\nx\r\n'.repeat(6)), '400 chunk_extensions_too_long');
    assert.equal(of(`0\r\nX: ${'a'.repeat(33)}\r\n\r\n`), 'done');
    for (const size of [1, 100]) {
      assert.equal(of(`0\r\nX: ${'a'.repeat(34)}\r\n\r\n`, size), '431 trailers_too_large');
      assert.equal(of('0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n', size), '431 trailers_too_large');
    }
  });

  it('decodes body after body after reset', () => {
    const decoder = new ChunkedDecoder();
    assert.equal(decode('1\r\nx\r\n0\r\nA: b\r\n\r\n', 3, decoder).trailers, '0\r\nA: b\r\n\r\n');
    decoder.reset();
    assert.deepEqual(decode('2\r\nyz\r\n0\r\n\r\n', 3, decoder), {
      outcome: 'done',
      body: 'yz',
      trailers: '',
      used: 12,
    });
  });

  it('what the encoder writes decodes to the same', () => {
    const text = `${chunkStart(26)}${'x'.repeat(26)}${CHUNK_END}${chunkStart(1)}y${CHUNK_END}${LAST_CHUNK}`;
    assert.equal(text.slice(0, 4), '1a\r\n');
    assert.deepEqual(decode(text), { outcome: 'done', body: `${'x'.repeat(26)}y`, trailers: '', used: text.length });
  });
});
