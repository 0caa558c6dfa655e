import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseHost } from '#gateway/proxy/codec/host.ts';

it('splits host and port and lower-cases the host', () => {
  const table: readonly (readonly [string, string, number])[] = [
    ['a', 'a', -1],
    ['App.Example.COM', 'app.example.com', -1],
    ['app.example.com:8080', 'app.example.com', 8080],
    ['app.example.com:', 'app.example.com', -1],
    ['app.example.com.:80', 'app.example.com', 80],
    ['my_service.ns', 'my_service.ns', -1],
    ['10.0.0.1:1', '10.0.0.1', 1],
    ['a:00080', 'a', 80],
    ['a:65535', 'a', 65_535],
    ['[::1]', '[::1]', -1],
    ['[2001:DB8::A]:443', '[2001:db8::a]', 443],
    ['[::ffff:10.0.0.1]', '[::ffff:10.0.0.1]', -1],
  ];
  for (const [value, host, port] of table) assert.deepEqual(parseHost(value), { host, port }, value);
});

it('refuses what is no host and port', () => {
  const values = [
    '',
    ':80',
    '.',
    '..',
    'a..b',
    '.a',
    'a b',
    'a,b',
    'u@a',
    'a/b',
    'a?b',
    'a#b',
    'a%41',
    'ä',
    'a\0',
    'a:b',
    'a:-1',
    'a:0',
    'a:65536',
    'a:000080',
    'a:80:80',
    '::1',
    '[',
    '[]',
    '[::1',
    '[::1]x',
    '[::1]:',
    '[fe80::1%eth0]',
    '[v1.a]',
    '[10.0.0.1]',
    '[a]',
    'x'.repeat(254),
  ];
  for (const value of values.filter((value) => value !== '[::1]:'))
    assert.equal(parseHost(value), undefined, JSON.stringify(value));
  assert.deepEqual(parseHost('[::1]:'), { host: '[::1]', port: -1 });
  assert.deepEqual(parseHost('x'.repeat(253))?.port, -1);
});

it('the answer that is kept belongs to its value', () => {
  assert.equal(parseHost('a')?.host, 'a');
  assert.equal(parseHost('b')?.host, 'b');
  assert.equal(parseHost('b b'), undefined);
  assert.equal(parseHost('b b'), undefined);
  assert.equal(parseHost('b')?.host, 'b');
});
