import type { Random } from './random.ts';

const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT', 'PRI', 'get', 'BREW', ''];
const TARGETS = [
  '/',
  '/a',
  '/a/b?c=d',
  '/a/../b',
  '/%2e%2e/x',
  '//',
  '*',
  'http://a/',
  'https://A:8443/x?y',
  'http://a',
  'http://u@a/',
  'a:443',
  '/#f',
  '/ä',
  '/a b',
  '?',
  '/\\x',
];
const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  'HTTP/1.2',
  'HTTP/0.9',
  'http/1.1',
  'HTTP/1.1 ',
  'HTTP/11',
];
const STATUSES = [
  '200 OK',
  '200',
  '204 No Content',
  '304 Not Modified',
  '100 Continue',
  '101 Switching Protocols',
  '199 x',
  '099 x',
  '600 x',
  '20 x',
  '2000 x',
  '404 Not\tFound',
  '500 \xe4',
];
const VALUES = [
  '1',
  '0',
  '5',
  '05',
  '+5',
  '-1',
  '5 ',
  '5, 5',
  '5,6',
  '0x5',
  '9007199254740993',
  '99999999999999999999',
  '',
  'chunked',
  'Chunked',
  'chunked, chunked',
  'gzip, chunked',
  'chunked, gzip',
  'identity',
  'xchunked',
  '\x0bchunked',
  'chunked\x0c',
  '"chunked"',
  'close',
  'keep-alive',
  'upgrade',
  'close, x-a',
  'host, content-length',
  ',',
  'trailers',
  'a',
  'a:80',
  '[::1]:80',
  'A.B.',
  'a@b',
  'a b',
  'websocket',
  'h2c',
  '100-continue',
  '200-maybe',
  'timeout=5',
  'x\ty',
  '\xff',
  'a\x00b',
  'a\x7fb',
];
const NAMES = [
  'Host',
  'Content-Length',
  'Transfer-Encoding',
  'Connection',
  'Upgrade',
  'Expect',
  'TE',
  'Trailer',
  'Keep-Alive',
  'Proxy-Connection',
  'X-A',
  'X-Forwarded-For',
  'Cookie',
  'content-length',
  'TRANSFER-ENCODING',
  'Content_Length',
  'Transfer-Encoding ',
  'X A',
  '',
  'X-\xe4',
  'X\0',
];
const CRUMBS = [
  '\r',
  '\n',
  '\r\n',
  '\n\r',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '\x0b',
  '\x85',
  '\xa0',
  '\r\r\n',
  '\r\n ',
  '\r\n\t',
  '\r\n\r\n',
  '0\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'HTTP/1.1 200 OK\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Content-Length: 3\r\n',
  'Host: b\r\n',
  '5\r\nhello\r\n',
  // Past the limits that readings.ts sets: a long target or value, many fields, many extension bytes.
  'a'.repeat(600),
  'X-N: 1\r\n'.repeat(41),
  `X: ${'b'.repeat(8192)}\r\n`,
];
const EXTENSIONS = [
  ';a',
  ';a=b',
  ';a="b c"',
  ';a="\\""',
  '; a',
  ';',
  ';a=',
  ';a="\r\n"',
  ' ',
  ';a;b=c',
  `;${'x'.repeat(300)}`,
];
const SIZES = [
  '0x5',
  '+5',
  '5 ',
  ' 5',
  '-5',
  '00005',
  '5h',
  'ffffffffffffffff',
  '1ffffffffffffff',
  '20000000000000',
  '00000000000000005',
  '',
  '5\n',
];

/** What is put in now and then; `dirt` off makes a stream that should be taken to its end. */
class Oddity {
  readonly random: Random;
  readonly #dirt: boolean;

  constructor(random: Random, dirt: boolean) {
    this.random = random;
    this.#dirt = dirt;
  }

  oneIn(n: number): boolean {
    return this.#dirt && this.random.oneIn(n);
  }

  /** An odd one of `items` once in `n` times, else `usual`. */
  pick(n: number, items: readonly string[], usual: string): string {
    return this.oneIn(n) ? this.random.pick(items) : usual;
  }
}

/** One or more requests, half of the times without any fault. */
export function generateRequests(random: Random): string {
  const odd = new Oddity(random, random.oneIn(2));
  let text = '';
  for (let n = 1 + random.below(3); n > 0; n--) {
    text += odd.pick(12, ['\r\n', '\r\n\r\n', '\n', ' \r\n'], random.oneIn(12) ? '\r\n' : '');
    const method = odd.pick(4, METHODS, random.pick(['GET', 'POST', 'DELETE']));
    const target = odd.pick(3, TARGETS, random.pick(['/path', '/', '/a?b=c&d', 'http://a.example:80/x']));
    const version = odd.pick(5, VERSIONS, random.oneIn(9) ? 'HTTP/1.0' : 'HTTP/1.1');
    text += `${method} ${target} ${version}\r\n`;
    if (!odd.oneIn(12)) text += `Host: ${odd.pick(6, VALUES, random.pick(['a.example', 'B:80', '[::1]:8443']))}\r\n`;
    text += generateRest(odd, version === 'HTTP/1.0');
  }
  return text;
}

/** One or more responses, half of the times without any fault. */
export function generateResponses(random: Random): string {
  const odd = new Oddity(random, random.oneIn(2));
  let text = random.oneIn(6) ? 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n' : '';
  for (let n = 1 + random.below(2); n > 0; n--) {
    const version = odd.pick(6, VERSIONS, random.oneIn(9) ? 'HTTP/1.0' : 'HTTP/1.1');
    const status = odd.pick(2, STATUSES, random.pick(['200 OK', '200 ', '200', '404 Not Found', '503 \xe4']));
    text += `${version} ${status}\r\n${generateRest(odd, version === 'HTTP/1.0')}`;
  }
  return text;
}

function generateRest(odd: Oddity, isOld: boolean): string {
  const { random } = odd;
  let fields = '';
  for (let n = random.below(4); n > 0; n--) fields += generateField(odd);
  const body = random.below(isOld && !odd.oneIn(6) ? 2 : 4);
  if (body === 0) return `${fields}\r\n`;
  const content = 'hello world, '.repeat(random.below(3) + 1).slice(0, random.below(30));
  const late = odd.oneIn(10) ? generateField(odd) : '';
  if (body === 1) return `${fields}Content-Length: ${content.length}\r\n${late}\r\n${content}`;
  return `${fields}Transfer-Encoding: chunked\r\n${late}\r\n${generateChunked(odd)}`;
}

const PLAIN_FIELDS = [
  'Accept: */*',
  'X-A:x',
  'Cookie: a=b; c=d',
  'X-Empty:',
  'Connection: keep-alive',
  'Connection: x-a',
  'Keep-Alive: timeout=5',
  'User-Agent:\tx y ',
  'X-Bytes: \xe4\xff',
  'TE: trailers',
  'X-Forwarded-For: 10.0.0.1, 10.0.0.2',
];

function generateField(odd: Oddity): string {
  const { random } = odd;
  if (!odd.oneIn(2)) return `${random.pick(PLAIN_FIELDS)}\r\n`;
  const blank = random.pick([' ', '', '  ', '\t', ' ']);
  return `${random.pick(NAMES)}:${blank}${random.pick(VALUES)}${odd.pick(8, [' ', '\t', '\r'], '')}\r\n`;
}

/** A POST with a chunked body, half of the times without any fault. */
export function generateChunkedRequest(random: Random): string {
  const odd = new Oddity(random, random.oneIn(2));
  return `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${generateChunked(odd)}`;
}

function generateChunked(odd: Oddity): string {
  const { random } = odd;
  let text = '';
  for (let n = random.below(4); n > 0; n--) {
    const content = 'abcdefghijklmnopqrstuvwxyz'.slice(0, 1 + random.below(26));
    const digits = content.length.toString(16);
    const size = odd.pick(10, SIZES, random.pick([digits, digits.toUpperCase(), `00${digits}`]));
    const extension = odd.pick(8, EXTENSIONS, random.oneIn(6) ? ';a="b c";d=e' : '');
    text += `${size}${extension}\r\n${content}${odd.pick(20, CRUMBS, '\r\n')}`;
  }
  const trailer = random.oneIn(4) ? (odd.oneIn(2) ? generateField(odd) : 'X-Checksum: 1\r\n') : '';
  return `${text}${random.oneIn(12) ? '00' : '0'}${odd.pick(10, EXTENSIONS, '')}\r\n${trailer}\r\n`;
}

/** Breaks a text: bytes flipped, dropped, doubled, spliced, crumbs of the protocol put in. */
export function mutate(random: Random, text: string): string {
  let result = text;
  for (let n = 1 + random.below(3); n > 0; n--) {
    const at = random.below(result.length + 1);
    const length = random.below(Math.min(12, result.length - at) + 1);
    const [before, cut, after] = [result.slice(0, at), result.slice(at, at + length), result.slice(at + length)];
    switch (random.below(6)) {
      case 0:
        result = before + random.pick(CRUMBS) + cut + after;
        break;
      case 1:
        result = before + after;
        break;
      case 2:
        result = before + cut + cut + after;
        break;
      case 3:
        result = before + String.fromCharCode(random.below(256)) + after;
        break;
      case 4:
        result = result.slice(0, at);
        break;
      default:
        result = before + random.pick(VALUES) + after;
    }
  }
  return result;
}

const PATH_PARTS = [
  '/',
  '//',
  '/a',
  '/b.c',
  '.',
  '..',
  '/.',
  '/..',
  '/../',
  '/./',
  '\\',
  '%2e',
  '%2E',
  '%2f',
  '%2F',
  '%5c',
  '%5C',
  '%',
  '%%',
  '%0',
  '%30',
  '%00',
  '%41',
  '%7e',
  '%c0%af',
  '%25',
  '2e',
  '?',
  '?a=/../b',
  '{',
  '|',
  '"',
  '~',
  ';x',
  '=',
  'é',
];

export function generatePath(random: Random): string {
  let text = '/';
  for (let n = random.below(9); n > 0; n--) text += random.pick(PATH_PARTS);
  return text;
}

const HOST_PARTS = [
  'a',
  'B',
  '.',
  '-',
  'example.com',
  ':',
  '80',
  '65536',
  '0',
  '[',
  ']',
  '::1',
  '[::1]',
  '%25eth0',
  '@',
  '_',
  '*',
  ' ',
  '\xe4',
  '10.0.0.1',
  '/',
  ',',
  '%41',
  '\0',
];

export function generateHost(random: Random): string {
  let text = '';
  for (let n = random.below(6); n > 0; n--) text += random.pick(HOST_PARTS);
  return text;
}
