import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FieldFlag } from '#gateway/proxy/codec/fields.ts';
import { HeaderId } from '#gateway/proxy/codec/header-names.ts';
import { parseRequestHead, RequestHead } from '#gateway/proxy/codec/request-head.ts';
import { get, LIMITS, parseRequest, verdict } from './codec-kit.ts';

const HOST = 'Host: a\r\n\r\n';

describe('parseRequestHead', () => {
  it('reads line, fields, host and body length, and says where the head ends', () => {
    const text =
      'POST /a/b?c=d HTTP/1.1\r\nHost: App.Example.COM:8080\r\nX-One:  two words \t\r\nContent-Length: 5\r\n\r\n';
    const { head, buffer, result } = parseRequest(`${text}hello`);
    assert.equal(result, text.length);
    assert.deepEqual(
      [
        head.method,
        head.target,
        head.originForm,
        head.minorVersion,
        head.authority,
        head.host,
        head.port,
        head.contentLength,
      ],
      ['POST', '/a/b?c=d', '/a/b?c=d', 1, 'App.Example.COM:8080', 'app.example.com', 8080, 5],
    );
    assert.equal(head.count, 3);
    assert.equal(head.name(buffer, 1), 'X-One');
    assert.equal(head.value(buffer, 1), 'two words');
    assert.equal(head.ids[2], HeaderId.contentLength);
    assert.equal(buffer.toString('latin1', head.nameStart[1], head.nameStart[2]), 'X-One:  two words \t\r\n');
    assert.equal(buffer.toString('latin1', head.nameStart[head.count], result), '\r\n');
  });

  it('joins repeated fields by comma, in any case of the name', () => {
    const { head, buffer } = parseRequest(get('X-Tag: a', 'x-tag: b', 'X-TAG:'));
    assert.equal(head.get(buffer, 'x-tag'), 'a,b,');
    assert.equal(head.get(buffer, 'x-other'), undefined);
  });

  it('serves one object for request after request', () => {
    const head = new RequestHead();
    const buffer = Buffer.from(
      `${get('Connection: close', 'Content-Length: 0', 'Expect: 100-continue')}${get()}`,
      'latin1',
    );
    const first = parseRequestHead(head, buffer, 0, buffer.length, LIMITS);
    assert.deepEqual([head.keepAlive, head.contentLength, head.expectContinue], [false, 0, true]);
    assert.equal(parseRequestHead(head, buffer, first, buffer.length, LIMITS), buffer.length);
    assert.deepEqual([head.keepAlive, head.contentLength, head.expectContinue, head.count], [true, -1, false, 1]);
  });

  it('goes on after more bytes came, also when all moved to another offset', () => {
    const text = get('X-A: b');
    const head = new RequestHead();
    for (let cut = 1; cut < text.length; cut++) {
      const first = Buffer.from(text.slice(0, cut), 'latin1');
      assert.equal(parseRequestHead(head, first, 0, first.length, LIMITS), 0);
      const moved = Buffer.from(`.......${text}`, 'latin1');
      assert.equal(parseRequestHead(head, moved, 7, moved.length, LIMITS), moved.length, `cut at ${cut}`);
      assert.equal(head.get(moved, 'x-a'), 'b');
      assert.equal(head.target, '/');
    }
  });

  it('looks at each byte a few times, however slowly they come', () => {
    const text = get(...Array.from({ length: 60 }, (_, i) => `X-Header-${i}: ${'v'.repeat(200)}`));
    let reads = 0;
    const counting = new Proxy(Buffer.from(text, 'latin1'), {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value === 'function') return value.bind(target);
        if (typeof value === 'number') reads++;
        return value;
      },
    });
    const head = new RequestHead();
    for (let end = 1; end < text.length; end++) assert.equal(parseRequestHead(head, counting, 0, end, LIMITS), 0);
    assert.equal(parseRequestHead(head, counting, 0, text.length, LIMITS), text.length);
    assert.ok(reads < text.length * 6, `${reads} reads of ${text.length} bytes`);
  });

  it('reset forgets a head that was begun', () => {
    const head = new RequestHead();
    parseRequestHead(head, Buffer.from('GET /old HT'), 0, 11, LIMITS);
    head.reset();
    const text = get();
    assert.equal(parseRequestHead(head, Buffer.from(text), 0, text.length, LIMITS), text.length);
    assert.equal(head.target, '/');
  });

  describe('request line', () => {
    const lines: readonly (readonly [string, string])[] = [
      ['GET / HTTP/1.1', 'whole'],
      ['GET / HTTP/1.0', 'whole'],
      ['PURGE /x HTTP/1.1', 'whole'],
      ['M-SEARCH * HTTP/1.1', '400 invalid_url'],
      ['OPTIONS * HTTP/1.1', 'whole'],
      ['get / HTTP/1.1', '400 invalid_method'],
      ['G{T / HTTP/1.1', '400 invalid_method'],
      [`${'A'.repeat(32)} / HTTP/1.1`, 'whole'],
      [`${'A'.repeat(33)} / HTTP/1.1`, '400 invalid_method'],
      [' GET / HTTP/1.1', '400 invalid_method'],
      ['GET  / HTTP/1.1', '400 invalid_request_line'],
      ['GET /  HTTP/1.1', '400 invalid_version'],
      ['GET\t/ HTTP/1.1', '400 invalid_method'],
      ['GET /\tHTTP/1.1', '400 invalid_url'],
      ['GET /', '400 invalid_request_line'],
      ['GET', '400 invalid_request_line'],
      ['GET / HTTP/1.1 ', '400 invalid_request_line'],
      ['GET / http/1.1', '400 invalid_version'],
      ['GET / HTTP/1', '400 invalid_version'],
      ['GET / HTTP/1.10', '400 invalid_request_line'],
      ['GET / HTTP/1.2', '505 unsupported_version'],
      ['GET / HTTP/0.9', '505 unsupported_version'],
      ['GET / HTTP/2.0', '505 unsupported_version'],
      ['PRI * HTTP/2.0', '505 http2_preface'],
      ['PRI * HTTP/1.1', '400 invalid_method'],
      ['CONNECT a:443 HTTP/1.1', '501 connect_refused'],
      ['GET a:443 HTTP/1.1', '400 invalid_url'],
      ['GET * HTTP/1.1', '400 invalid_url'],
      ['GET x HTTP/1.1', '400 invalid_url'],
      ['GET ?x HTTP/1.1', '400 invalid_url'],
      ['GET /#x HTTP/1.1', '400 invalid_url'],
      ['GET /\xe4 HTTP/1.1', '400 invalid_url'],
      ['GET /\x01 HTTP/1.1', '400 invalid_url'],
      ['GET /\x7f HTTP/1.1', '400 invalid_url'],
      ['GET /{a}|"b"?<c>^\\` HTTP/1.1', 'whole'],
      ['GET http://b.example/x HTTP/1.1', 'whole'],
      ['GET ftp://b.example/x HTTP/1.1', '400 invalid_url'],
      ['GET http:///x HTTP/1.1', '400 invalid_url'],
      ['GET http://u:p@b/x HTTP/1.1', '400 invalid_url'],
      ['GET http://b:99999/x HTTP/1.1', '400 invalid_url'],
    ];
    for (const [line, expected] of lines) {
      it(`${JSON.stringify(line)}: ${expected}`, () => {
        assert.equal(verdict(parseRequest(`${line}\r\n${HOST}`).result), expected);
      });
    }

    it('an absolute-form target names the host, whatever Host says (RFC 9112 §3.2.2)', () => {
      const of = (target: string, method = 'GET'): readonly unknown[] => {
        const { head } = parseRequest(`${method} ${target} HTTP/1.1\r\nHost: other\r\n\r\n`);
        return [head.scheme, head.host, head.port, head.originForm, head.authorityFromTarget];
      };
      assert.deepEqual(of('HTTPS://B.example:81/x?y'), ['https', 'b.example', 81, '/x?y', true]);
      assert.deepEqual(of('http://b?y'), ['http', 'b', -1, '/?y', true]);
      assert.deepEqual(of('http://[::1]'), ['http', '[::1]', -1, '/', true]);
      assert.deepEqual(of('http://b', 'OPTIONS'), ['http', 'b', -1, '*', true]);
      assert.deepEqual(of('/x'), ['', 'other', -1, '/x', false]);
    });

    it('one empty line before the request is skipped, a second one is not', () => {
      assert.equal(verdict(parseRequest(`\r\n${get()}`).result), 'whole');
      assert.equal(verdict(parseRequest(`\r\n\r\n${get()}`).result), '400 invalid_request_line');
      assert.equal(verdict(parseRequest(`\n${get()}`).result), '400 bare_lf');
      assert.equal(verdict(parseRequest(`\r${get()}`).result), '400 bare_cr');
    });
  });

  describe('fields', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['X: \t padded \t', 'whole'],
      ['X:', 'whole'],
      ['X: \xe4\xff', 'whole'],
      ["!#$%&'*+-.^_`|~09Az: x", 'whole'],
      ['X : x', '400 blank_before_colon'],
      ['X\t: x', '400 blank_before_colon'],
      [': x', '400 invalid_header_name'],
      ['X', '400 invalid_header_name'],
      ['X\xe4: x', '400 invalid_header_name'],
      ['X(: x', '400 invalid_header_name'],
      ['X: a\r\n b', '400 line_folding'],
      ['X: a\r\n\tb', '400 line_folding'],
      ['X: a\rb', '400 bare_cr'],
      ['X: a\nY: b', '400 bare_lf'],
      ['X\n: b', '400 bare_lf'],
      ['X: a\0', '400 invalid_header'],
      ['X: a\x0b', '400 invalid_header'],
      ['X: a\x7f', '400 invalid_header'],
      ['Host: b', '400 repeated_host'],
      ['Expect: 100-Continue', 'whole'],
      ['Expect: something', '417 unsupported_expectation'],
      ['Expect: 100-continue, x', '417 unsupported_expectation'],
    ];
    for (const [line, expected] of cases) {
      it(`${JSON.stringify(line)}: ${expected}`, () => assert.equal(verdict(parseRequest(get(line)).result), expected));
    }

    it('a blank before the first field is refused', () => {
      assert.equal(verdict(parseRequest('GET / HTTP/1.1\r\n Host: a\r\n\r\n').result), '400 line_folding');
    });
    it('a head that ends with LF is refused', () => {
      assert.equal(verdict(parseRequest('GET / HTTP/1.1\r\nHost: a\r\n\n').result), '400 bare_lf');
      assert.equal(verdict(parseRequest('GET / HTTP/1.1\r\nHost: a\r\n\r\r').result), '400 bare_cr');
      assert.equal(verdict(parseRequest('GET / HTTP/1.1\nHost: a\r\n\r\n').result), '400 bare_lf');
    });
    it('HTTP/1.1 needs one valid Host, HTTP/1.0 none', () => {
      assert.equal(verdict(parseRequest('GET / HTTP/1.1\r\n\r\n').result), '400 missing_host');
      assert.equal(verdict(parseRequest('GET / HTTP/1.1\r\nHost:\r\n\r\n').result), '400 invalid_host');
      assert.equal(verdict(parseRequest('GET / HTTP/1.1\r\nHost: a b\r\n\r\n').result), '400 invalid_host');
      assert.equal(verdict(parseRequest('GET http://a/ HTTP/1.1\r\n\r\n').result), '400 missing_host');
      assert.equal(verdict(parseRequest('GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n').result), '400 invalid_host');
      const { head, result } = parseRequest('GET / HTTP/1.0\r\n\r\n');
      assert.deepEqual([verdict(result), head.host, head.keepAlive], ['whole', '', false]);
    });
  });

  describe('body length', () => {
    const cases: readonly (readonly [readonly string[], string])[] = [
      [['Content-Length: 0'], 'whole'],
      [['Content-Length: 0005'], 'whole'],
      [['Content-Length: 9007199254740991'], 'whole'],
      [['Content-Length: 9007199254740992'], '400 invalid_content_length'],
      [['Content-Length: 18446744073709551616'], '400 invalid_content_length'],
      [['Content-Length:'], '400 invalid_content_length'],
      [['Content-Length: +1'], '400 invalid_content_length'],
      [['Content-Length: -1'], '400 invalid_content_length'],
      [['Content-Length: 1 1'], '400 invalid_content_length'],
      [['Content-Length: 0x1'], '400 invalid_content_length'],
      [['Content-Length: 1.0'], '400 invalid_content_length'],
      [['Content-Length: 1,1'], '400 invalid_content_length'],
      [['Content-Length: 1,2'], '400 invalid_content_length'],
      [['Content-Length: 1', 'Content-Length: 1'], '400 repeated_content_length'],
      [['Content-Length: 1', 'content-length: 2'], '400 repeated_content_length'],
      [['Transfer-Encoding: chunked'], 'whole'],
      [['transfer-encoding: CHUNKED'], 'whole'],
      [['Transfer-Encoding: chunked', 'Content-Length: 1'], '400 content_length_and_chunked_not_allowed'],
      [['Content-Length: 1', 'Transfer-Encoding: chunked'], '400 content_length_and_chunked_not_allowed'],
      [['Content-Length: 1', 'Transfer-Encoding: nonsense'], '400 content_length_and_chunked_not_allowed'],
      [['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '400 invalid_transfer_encoding'],
      [['Transfer-Encoding: chunked, chunked'], '400 invalid_transfer_encoding'],
      [['Transfer-Encoding: chunked,'], '400 invalid_transfer_encoding'],
      [['Transfer-Encoding: ,chunked'], '400 invalid_transfer_encoding'],
      [['Transfer-Encoding: gzip, chunked'], '501 unsupported_transfer_encoding'],
      [['Transfer-Encoding: chunked, gzip'], '400 invalid_transfer_encoding'],
      [['Transfer-Encoding: gzip'], '400 invalid_transfer_encoding'],
      [['Transfer-Encoding: identity'], '400 invalid_transfer_encoding'],
      [['Transfer-Encoding: xchunked'], '400 invalid_transfer_encoding'],
      [['Transfer-Encoding: chunked;q=1'], '400 invalid_transfer_encoding'],
      [['Transfer-Encoding: "chunked"'], '400 invalid_transfer_encoding'],
      [['Transfer-Encoding:'], '400 invalid_transfer_encoding'],
    ];
    for (const [lines, expected] of cases) {
      it(`${lines.join(' | ')}: ${expected}`, () =>
        assert.equal(verdict(parseRequest(get(...lines)).result), expected));
    }

    it('HTTP/1.0 has no Transfer-Encoding', () => {
      const text = 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n';
      assert.equal(verdict(parseRequest(text).result), '400 transfer_encoding_in_http10');
    });
  });

  describe('Connection', () => {
    const flagsOf = (...lines: readonly string[]): Record<string, number> => {
      const { head, buffer, result } = parseRequest(get(...lines));
      assert.ok(result > 0, verdict(result));
      return Object.fromEntries(
        Array.from({ length: head.count }, (_, i) => [head.name(buffer, i), head.flags[i] as number]),
      );
    };

    it('hop-by-hop fields are flagged, Trailer is not', () => {
      const flags = flagsOf(
        'Connection: x',
        'Keep-Alive: x',
        'Proxy-Connection: x',
        'TE: x',
        'Upgrade: x',
        'Proxy-Authorization: x',
        'HTTP2-Settings: x',
        'Trailer: x',
        'X: x',
      );
      const kept = Object.entries(flags)
        .filter(([, flag]) => flag === 0)
        .map(([name]) => name);
      assert.deepEqual(kept, ['Host', 'Trailer']);
      assert.equal(flags['X'], FieldFlag.nominated);
    });

    it('what Connection names is flagged, in any case, before and after it', () => {
      const flags = flagsOf('X-Before: 1', 'Connection: x-BEFORE ,, X-After', 'x-after: 2', 'X-Other: 3');
      assert.deepEqual(
        [flags['X-Before'], flags['x-after'], flags['X-Other']],
        [FieldFlag.nominated, FieldFlag.nominated, 0],
      );
    });

    it('nobody can have removed what routing, framing, trust or policy rely on', () => {
      const names = [
        'Content-Length',
        'Authorization',
        'Cookie',
        'X-Forwarded-For',
        'X-Forwarded-Proto',
        'X-Forwarded-Whatever',
        'X-Request-Id',
        'X-Envoy-Anything',
        'X-Forwarded-Client-Cert',
        'X-Real-Ip',
        'Forwarded',
        'Via',
        'Content-Type',
        'Expect',
        'Origin',
      ];
      const lines = names.map(
        (name) => `${name}: ${name === 'Content-Length' ? '0' : name === 'Expect' ? '100-continue' : 'x'}`,
      );
      const flags = flagsOf(`Connection: ${['host', ...names].join(', ')}`, ...lines);
      delete flags['Connection'];
      assert.deepEqual(Object.values(flags), [0, ...names.map(() => 0)]);
    });

    it('close and keep-alive decide with the version', () => {
      const of = (version: string, ...lines: readonly string[]): boolean => {
        const { head, result } = parseRequest(
          `GET / HTTP/${version}\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`,
        );
        assert.ok(result > 0);
        return head.keepAlive;
      };
      assert.equal(of('1.1'), true);
      assert.equal(of('1.1', 'Connection: Close'), false);
      assert.equal(of('1.1', 'Connection: x', 'Connection: close'), false);
      assert.equal(of('1.0'), false);
      assert.equal(of('1.0', 'Connection: Keep-Alive'), true);
      assert.equal(of('1.0', 'Connection: keep-alive, close'), false);
    });

    it('Upgrade counts only with its Connection option', () => {
      const of = (...lines: readonly string[]): string => parseRequest(get(...lines)).head.upgrade;
      assert.equal(of('Connection: keep-alive, Upgrade', 'Upgrade: WebSocket'), 'websocket');
      assert.equal(of('Upgrade: websocket'), '');
      assert.equal(of('Connection: upgrade'), '');
      assert.equal(of('Connection: upgrade', 'Upgrade: a', 'Upgrade: b'), '');
    });

    it('malformed and endless lists are refused', () => {
      assert.equal(verdict(parseRequest(get('Connection: a b')).result), '400 connection_header_rejected');
      assert.equal(verdict(parseRequest(get('Connection: "close"')).result), '400 connection_header_rejected');
      const many = Array.from({ length: 33 }, (_, i) => `x${i}`).join(',');
      assert.equal(verdict(parseRequest(get(`Connection: ${many}`)).result), '400 connection_header_rejected');
    });

    it('TE: trailers is seen', () => {
      assert.equal(parseRequest(get('TE: gzip;q=0.5 , Trailers')).head.teTrailers, true);
      assert.equal(parseRequest(get('TE: xtrailers')).head.teTrailers, false);
    });
  });

  describe('limits', () => {
    it('the target: exactly so many bytes, also before the line is whole', () => {
      const of = (length: number): string =>
        verdict(parseRequest(`GET /${'a'.repeat(length - 1)} HTTP/1.1\r\n${HOST}`, { targetBytes: 20 }).result);
      assert.equal(of(20), 'whole');
      assert.equal(of(21), '414 url_too_long');
      assert.equal(verdict(parseRequest(`GET /${'a'.repeat(20)}`, { targetBytes: 20 }).result), '414 url_too_long');
      assert.equal(verdict(parseRequest(`GET /${'a'.repeat(19)}`, { targetBytes: 20 }).result), 'incomplete');
    });

    it('the head: exactly so many bytes, also while it is incomplete', () => {
      const text = get(`X: ${'a'.repeat(100)}`);
      assert.equal(verdict(parseRequest(text, { headerBytes: text.length }).result), 'whole');
      assert.equal(verdict(parseRequest(text, { headerBytes: text.length - 1 }).result), '431 headers_too_large');
      assert.equal(verdict(parseRequest(text.slice(0, 60), { headerBytes: 60 }).result), '431 headers_too_large');
      assert.equal(verdict(parseRequest(text.slice(0, 60), { headerBytes: 61 }).result), 'incomplete');
      assert.equal(verdict(parseRequest(`GET /${'a'.repeat(80)}`, { headerBytes: 60 }).result), '414 url_too_long');
    });

    it('the number of fields', () => {
      const of = (count: number): string =>
        verdict(parseRequest(get(...Array.from({ length: count - 1 }, (_, i) => `X${i}: x`))).result);
      assert.equal(of(100), 'whole');
      assert.equal(of(101), '431 too_many_headers');
    });
  });
});
