import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_REGEX_INPUT } from '#gateway/proxy/route/string-match.ts';
import { compileVirtualHost } from '#gateway/proxy/route/virtual-host.ts';
import type { Route, RouteMatch, StringMatch } from '#gateway/snapshot/route.ts';
import { aMatch, aRequest, aRoute, aVirtualHost } from './requests.ts';

const exact = (value: string): StringMatch => ({ kind: 'exact', value });
const prefix = (value: string): StringMatch => ({ kind: 'prefix', value });
const regex = (value: string): StringMatch => ({ kind: 'regex', value });
const present: StringMatch = { kind: 'present', value: '' };

describe('one match block', () => {
  const named = (match: StringMatch) => [{ name: 'x', match }];
  const cases: [string, RouteMatch, Parameters<typeof aRequest>[0], boolean][] = [
    ['exact matches the whole path', aMatch({ uri: exact('/a') }), { path: '/a' }, true],
    ['exact does not match a longer path', aMatch({ uri: exact('/a') }), { path: '/a/' }, false],
    ['exact ignores the query', aMatch({ uri: exact('/a') }), { path: '/a', query: 'b' }, true],
    ['prefix is a raw string prefix', aMatch({ uri: prefix('/foo') }), { path: '/foobar' }, true],
    ['prefix minds case', aMatch({ uri: prefix('/foo') }), { path: '/FOO' }, false],
    ['ignoreCase prefix', aMatch({ uri: { ...prefix('/foo'), ignoreCase: true } }), { path: '/FOObar' }, true],
    ['ignoreCase exact', aMatch({ uri: { ...exact('/foo'), ignoreCase: true } }), { path: '/FoO' }, true],
    ['regex matches the whole path', aMatch({ uri: regex('/v[0-9]+') }), { path: '/v12' }, true],
    ['regex does not match a part', aMatch({ uri: regex('/v[0-9]+') }), { path: '/v12/x' }, false],
    ['an alternative is anchored too', aMatch({ uri: regex('/a|/ab') }), { path: '/ab' }, true],
    ['an empty StringMatch on the URI matches all', aMatch({ uri: present }), { path: '/x' }, true],
    ['method', aMatch({ method: exact('POST') }), { method: 'GET' }, false],
    ['method regex', aMatch({ method: regex('GET|HEAD') }), { method: 'HEAD' }, true],
    ['scheme', aMatch({ scheme: exact('https') }), { scheme: 'https' }, true],
    ['authority', aMatch({ authority: prefix('app.') }), { host: 'app.example' }, true],
    ['authority differs', aMatch({ authority: exact('other') }), { host: 'app.example' }, false],
    ['port', aMatch({ port: 80 }), { port: 80 }, true],
    ['another port', aMatch({ port: 443 }), { port: 80 }, false],
    ['header exact', aMatch({ headers: named(exact('1')) }), { headers: { x: '1' } }, true],
    ['header absent', aMatch({ headers: named(regex('.*')) }), {}, false],
    ['header present', aMatch({ headers: named(present) }), { headers: { x: '' } }, true],
    ['header joined from repeats', aMatch({ headers: named(exact('a,b')) }), { headers: { x: 'a,b' } }, true],
    ['without: absent', aMatch({ withoutHeaders: named(exact('1')) }), {}, true],
    ['without: another value', aMatch({ withoutHeaders: named(exact('1')) }), { headers: { x: '2' } }, true],
    ['without: the value', aMatch({ withoutHeaders: named(exact('1')) }), { headers: { x: '1' } }, false],
    ['without: present', aMatch({ withoutHeaders: named(present) }), { headers: { x: '' } }, false],
    ['without: present, absent', aMatch({ withoutHeaders: named(present) }), {}, true],
    ['without: absent counts as empty', aMatch({ withoutHeaders: named(regex('|a')) }), {}, false],
    ['query exact', aMatch({ queryParams: named(exact('1')) }), { query: 'a=2&x=1' }, true],
    ['query: the first occurrence counts', aMatch({ queryParams: named(exact('1')) }), { query: 'x=2&x=1' }, false],
    ['query: no percent-decoding', aMatch({ queryParams: named(exact('a b')) }), { query: 'x=a%20b' }, false],
    ['query: a name inside another', aMatch({ queryParams: named(present) }), { query: 'ax=1&xa=2' }, false],
    ['query: without =', aMatch({ queryParams: named(exact('')) }), { query: 'a&x' }, true],
    ['query: without = before another', aMatch({ queryParams: named(present) }), { query: 'x&a' }, true],
    ['query absent', aMatch({ queryParams: named(present) }), { query: '' }, false],
    ['query empty segments', aMatch({ queryParams: named(exact('1=2')) }), { query: '&&x=1=2&' }, true],
    [
      'all conditions are needed',
      aMatch({ uri: prefix('/'), headers: named(exact('1')), queryParams: named(exact('2')) }),
      { headers: { x: '1' }, query: 'x=3' },
      false,
    ],
  ];
  for (const [title, match, request, expected] of cases) {
    test(`${title}: ${expected ? 'matches' : 'does not match'}`, () => {
      assert.equal(chosen([aRoute('it', match)], request), expected ? 'it' : undefined);
    });
  }
});

test('the first match in the order of the rules wins, not the longest path', () => {
  const routes = [
    aRoute('header', aMatch({ uri: prefix('/'), headers: [{ name: 'x', match: present }] })),
    aRoute('deep', aMatch({ uri: prefix('/a/b') })),
    aRoute('shallow', aMatch({ uri: prefix('/a') })),
    aRoute('exact', aMatch({ uri: exact('/a/b') })),
    aRoute('rest'),
  ];
  assert.equal(chosen(routes, { path: '/a/b', headers: { x: '1' } }), 'header');
  assert.equal(chosen(routes, { path: '/a/b' }), 'deep');
  assert.equal(chosen(routes, { path: '/a' }), 'shallow');
  assert.equal(chosen(routes, { path: '/b' }), 'rest');
});

test('blocks of one rule are joined by OR', () => {
  const route = aRoute('it', aMatch({ uri: exact('/a') }), aMatch({ uri: prefix('/b') }));
  assert.equal(chosen([route], { path: '/bc' }), 'it');
  assert.equal(chosen([route], { path: '/ac' }), undefined);
});

test('what was attached comes back with the route, once per route', () => {
  let attached = 0;
  const routes = [aRoute('one', aMatch({ uri: exact('/1') }), aMatch({ uri: exact('/2') })), aRoute('two')];
  const compiled = compileVirtualHost(aVirtualHost(...routes), () => ++attached);
  assert.equal(compiled.match(aRequest({ path: '/2' }))?.attached, 1);
  assert.equal(compiled.match(aRequest({ path: '/3' }))?.attached, 2);
  assert.equal(attached, 2);
});

test('a pattern that is not RE2 names the route and the reason', () => {
  const bad = aVirtualHost(aRoute('bad', aMatch({ uri: regex('(?=look)') })));
  assert.throws(() => compileVirtualHost(bad, () => undefined), /^Error: route bad: .*\(\?=/);
});

test('a value longer than the limit does not match a regex', () => {
  const routes = [aRoute('it', aMatch({ headers: [{ name: 'x', match: regex('a*') }] }))];
  assert.equal(chosen(routes, { headers: { x: 'a'.repeat(MAX_REGEX_INPUT) } }), 'it');
  assert.equal(chosen(routes, { headers: { x: 'a'.repeat(MAX_REGEX_INPUT + 1) } }), undefined);
});

function chosen(routes: readonly Route[], request: Parameters<typeof aRequest>[0]): string | undefined {
  return compileVirtualHost(aVirtualHost(...routes), () => undefined).match(aRequest(request))?.route.name;
}
