import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localResponse } from '#gateway/proxy/reply/local-response.ts';
import { httpsRedirect, type RedirectedRequest, routeRedirect } from '#gateway/proxy/reply/redirect.ts';
import { directResponse, replies, replyToFault } from '#gateway/proxy/reply/replies.ts';
import type { Fault } from '#gateway/proxy/types.ts';
import type { RouteAction } from '#gateway/snapshot/route.ts';
import { responseFlags } from '#gateway/telemetry/response-flags.ts';
import { aRoute } from '#test/kit/proxy.ts';

type Redirect = Extract<RouteAction, { kind: 'redirect' }>;

const request: RedirectedRequest = {
  scheme: 'http',
  host: 'a.example',
  authorityPort: 31_380,
  path: '/old/x',
  query: 'q=1',
  nodePort: 31_380,
};

function location(
  action: Partial<Redirect>,
  over: Partial<RedirectedRequest> = {},
  prefix = '/old',
): string | undefined {
  const redirect: Redirect = { kind: 'redirect', status: 301, ...action };
  const matches = [
    { uri: { kind: 'prefix', value: prefix } as const, headers: [], withoutHeaders: [], queryParams: [] },
  ];
  return routeRedirect({ ...request, ...over }, aRoute(redirect, { matches }), redirect).location;
}

test('redirects change only what they name', () => {
  assert.equal(location({ authority: 'b.example' }), 'http://b.example/old/x?q=1');
  assert.equal(location({ path: { kind: 'replace', value: '/new' } }), 'http://a.example:31380/new?q=1');
  assert.equal(location({ path: { kind: 'replace', value: '/new?z' } }), 'http://a.example:31380/new?z');
  assert.equal(location({ path: { kind: 'prefix', value: '/new' } }), 'http://a.example:31380/new/x?q=1');
  assert.equal(location({}, { query: '' }), 'http://a.example:31380/old/x');
});

test('ports follow the scheme: standard ones are left out, the old standard port goes with its scheme', () => {
  assert.equal(location({ scheme: 'https' }, { authorityPort: 80 }), 'https://a.example/old/x?q=1');
  assert.equal(location({ scheme: 'https' }, { authorityPort: -1 }), 'https://a.example/old/x?q=1');
  assert.equal(location({ scheme: 'https' }), 'https://a.example:31380/old/x?q=1');
  assert.equal(location({ scheme: 'https', port: 31_390 }), 'https://a.example:31390/old/x?q=1');
  assert.equal(location({ scheme: 'https', port: 443 }), 'https://a.example/old/x?q=1');
  assert.equal(location({ port: 'from-protocol' }), 'http://a.example/old/x?q=1');
  assert.equal(location({ authority: 'b.example', port: 'from-request' }), 'http://b.example:31380/old/x?q=1');
});

test('a prefix that matched in another case is cut off all the same', () => {
  const redirect: Redirect = { kind: 'redirect', status: 302, path: { kind: 'prefix', value: '/n' } };
  const matches = [
    {
      uri: { kind: 'prefix', value: '/old', ignoreCase: true } as const,
      headers: [],
      withoutHeaders: [],
      queryParams: [],
    },
  ];
  const reply = routeRedirect({ ...request, path: '/OLD/x' }, aRoute(redirect, { matches }), redirect);
  assert.deepEqual([reply.status, reply.location], [302, 'http://a.example:31380/n/x?q=1']);
});

test('httpsRedirect leads to the pair of the port of arrival, or to 443', () => {
  assert.equal(httpsRedirect(request, { ports: { '31380': 31_390 } }).location, 'https://a.example:31390/old/x?q=1');
  assert.equal(httpsRedirect(request, { ports: { '31380': 443 } }).location, 'https://a.example/old/x?q=1');
  assert.equal(httpsRedirect(request, { ports: {} }).location, 'https://a.example/old/x?q=1');
  assert.equal(
    httpsRedirect({ ...request, host: '[::1]' }, { ports: { '31380': 31_390 } }).location,
    'https://[::1]:31390/old/x?q=1',
  );
});

test('every own answer has a known flag and a small plain body that ends its line', () => {
  for (const [name, reply] of Object.entries(replies)) {
    assert.ok(responseFlags[reply.flag] !== undefined && responseFlags[reply.flag] !== '-', name);
    assert.match(reply.body, /^[ -~]{1,120}\n$/, name);
  }
});

test('faults are answered as Envoy answers them', () => {
  const answers = (
    [
      'connect-failed',
      'connect-timeout',
      'destination-refused',
      'reset',
      'protocol-error',
      'response-timeout',
      'stream-idle',
      'exception',
    ] as const
  ).map((what) => {
    const fault: Fault = { what, whose: 'upstream', retry: 'never', detail: '' };
    const reply = replyToFault(fault);
    return `${what} ${reply.status} ${responseFlags[reply.flag]}`;
  });
  assert.deepEqual(answers, [
    'connect-failed 503 UF',
    'connect-timeout 503 UF',
    'destination-refused 503 UF',
    'reset 503 UC',
    'protocol-error 502 UPE',
    'response-timeout 504 UT',
    'stream-idle 504 SI',
    'exception 500 LR',
  ]);
});

test('own answers are framed right: HEAD keeps the length, 204 has none, UTF-8 counts in bytes', () => {
  const full = localResponse(replies.routeNotFound, { isHead: false, connection: '' });
  const head = localResponse(replies.routeNotFound, { isHead: true, connection: 'close' });
  assert.ok(full.endsWith(`\r\n\r\n${replies.routeNotFound.body}`));
  assert.match(head, /content-length: 30\r\n/);
  assert.ok(head.endsWith('connection: close\r\n\r\n'));
  const empty = localResponse(directResponse({ status: 204, body: 'x' }), { isHead: false, connection: '' });
  assert.ok(!empty.includes('content-length') && empty.endsWith('\r\n\r\n'));
  const utf8 = localResponse(directResponse({ status: 200, body: 'é' }), { isHead: false, connection: '' });
  assert.match(utf8, /content-length: 2\r\n/);
  assert.equal(Buffer.from(utf8, 'latin1').toString('utf8').at(-1), 'é');
});

test('a path of the configuration enters a Location as ASCII: no character becomes a line end on the wire', () => {
  assert.equal(
    location({ path: { kind: 'replace', value: '/x\u010D\u010ASet-Cookie: a=b' } }, { query: '' }),
    'http://a.example:31380/x%C4%8D%C4%8ASet-Cookie:%20a=b',
  );
  assert.equal(
    location({ path: { kind: 'prefix', value: '/caf\u00E9\r\n' } }, { query: '' }),
    'http://a.example:31380/caf%C3%A9%0D%0A/x',
  );
});
