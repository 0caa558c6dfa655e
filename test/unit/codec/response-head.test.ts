import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FieldFlag } from '#gateway/proxy/codec/fields.ts';
import { parseResponseHead, ResponseHead } from '#gateway/proxy/codec/response-head.ts';
import { LIMITS, parseResponse, verdict } from './codec-kit.ts';

function respond(status: string, ...lines: readonly string[]): string {
  return `HTTP/1.1 ${status}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

describe('parseResponseHead', () => {
  it('reads status, reason and fields', () => {
    const { head, buffer, result } = parseResponse(`${respond('404 Not \xe4 Found', 'X-A: b')}body`);
    assert.equal(result, buffer.length - 4);
    assert.deepEqual(
      [head.status, head.reason, head.minorVersion, head.get(buffer, 'x-a')],
      [404, 'Not \xe4 Found', 1, 'b'],
    );
  });

  const cases: readonly (readonly [string, string])[] = [
    ['HTTP/1.1 200 OK', 'whole'],
    ['HTTP/1.0 200 OK', 'whole'],
    ['HTTP/1.1 200 ', 'whole'],
    ['HTTP/1.1 200', 'whole'],
    ['HTTP/1.1 599 x', 'whole'],
    ['HTTP/1.1 100 Continue', 'whole'],
    ['HTTP/1.0 100 Continue', '400 invalid_status_line'],
    ['HTTP/1.1 099 x', '400 invalid_status_line'],
    ['HTTP/1.1 600 x', '400 invalid_status_line'],
    ['HTTP/1.1 20 x', '400 invalid_status_line'],
    ['HTTP/1.1 2000 x', '400 invalid_status_line'],
    ['HTTP/1.1  200 OK', '400 invalid_status_line'],
    ['HTTP/1.1 200 a\0', '400 invalid_status_line'],
    ['HTTP/1.1 200 a\rb', '400 bare_cr'],
    ['HTTP/1.1 200 OK\nX: y', '400 bare_lf'],
    ['HTTP/1.2 200 OK', '505 unsupported_version'],
    ['HTTP/2.0 200 OK', '400 invalid_status_line'],
    ['http/1.1 200 OK', '400 invalid_status_line'],
    ['ICY 200 OK', '400 invalid_status_line'],
    ['\r\nHTTP/1.1 200 OK', '400 invalid_status_line'],
  ];
  for (const [line, expected] of cases) {
    it(`${JSON.stringify(line)}: ${expected}`, () =>
      assert.equal(verdict(parseResponse(`${line}\r\n\r\n`).result), expected));
  }

  it('says how the body ends', () => {
    const of = (text: string, isHead = false): string => {
      const { head, result } = parseResponse(text);
      assert.ok(result > 0, verdict(result));
      return head.bodyFraming(isHead);
    };
    assert.equal(of(respond('200 OK', 'Content-Length: 5')), 'length');
    assert.equal(of(respond('200 OK', 'Transfer-Encoding: chunked')), 'chunked');
    assert.equal(of(respond('200 OK')), 'close');
    assert.equal(of(respond('200 OK', 'Content-Length: 5'), true), 'none');
    assert.equal(of(respond('200 OK', 'Transfer-Encoding: chunked'), true), 'none');
    assert.equal(of(respond('304 Not Modified', 'Content-Length: 5')), 'none');
    assert.equal(of(respond('304 Not Modified', 'Transfer-Encoding: chunked')), 'none');
    assert.equal(of(respond('204 No Content')), 'none');
    assert.equal(of(respond('103 Early Hints', 'Link: x')), 'none');
  });

  it('1xx and 204 announce no body; a length of 0 is dropped', () => {
    for (const status of ['100 Continue', '101 Switching Protocols', '204 No Content']) {
      assert.equal(verdict(parseResponse(respond(status, 'Content-Length: 5')).result), '400 body_disallowed');
      assert.equal(verdict(parseResponse(respond(status, 'Transfer-Encoding: chunked')).result), '400 body_disallowed');
      const { head, result } = parseResponse(respond(status, 'Content-Length: 0'));
      assert.deepEqual([verdict(result), head.flags[0]], ['whole', FieldFlag.hopByHop]);
    }
  });

  it('is as strict as for requests', () => {
    const of = (...lines: readonly string[]): string => verdict(parseResponse(respond('200 OK', ...lines)).result);
    assert.equal(of('Content-Length: 1', 'Transfer-Encoding: chunked'), '400 content_length_and_chunked_not_allowed');
    assert.equal(of('Content-Length: 1', 'Content-Length: 1'), '400 repeated_content_length');
    assert.equal(of('Transfer-Encoding: gzip, chunked'), '501 unsupported_transfer_encoding');
    assert.equal(of('X: a\r\n b'), '400 line_folding');
    assert.equal(of('X : a'), '400 blank_before_colon');
    assert.equal(
      verdict(parseResponse('HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n').result),
      '400 transfer_encoding_in_http10',
    );
    const large = respond('200 OK', `X: ${'a'.repeat(100)}`);
    assert.equal(verdict(parseResponse(large, { headerBytes: 50 }).result), '431 headers_too_large');
  });

  it('knows how long the server keeps an idle connection', () => {
    const of = (value: string): number =>
      parseResponse(respond('200 OK', `Keep-Alive: ${value}`)).head.keepAliveSeconds;
    assert.equal(of('timeout=5, max=1000'), 5);
    assert.equal(of('max=1, Timeout=60'), 60);
    assert.equal(of('x'), -1);
    assert.equal(parseResponse(respond('200 OK')).head.keepAliveSeconds, -1);
  });

  it('reads informational heads one after the other, byte by byte', () => {
    const stream = Buffer.from(
      `${respond('103 Early Hints', 'Link: x')}${respond('200 OK', 'Content-Length: 0')}`,
      'latin1',
    );
    const head = new ResponseHead();
    const seen: number[] = [];
    let start = 0;
    for (let end = 1; end <= stream.length; end++) {
      const result = parseResponseHead(head, stream, start, end, LIMITS);
      if (result === 0) continue;
      seen.push(head.status);
      start = result;
    }
    assert.deepEqual(seen, [103, 200]);
  });
});
