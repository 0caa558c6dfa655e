import assert from 'node:assert/strict';
import { it } from 'node:test';
import { normalizeServerName, ServerNames } from '#gateway/proxy/tls/server-names.ts';

function names(...patterns: string[]): ServerNames<string> {
  const table = new ServerNames<string>();
  for (const pattern of patterns) table.add(pattern, pattern);
  return table;
}

it('exact beats wildcard, the longest wildcard wins, `*` takes the rest', () => {
  const table = names('*', '*.example.com', '*.b.example.com', 'a.b.example.com');
  assert.equal(table.find('a.b.example.com'), 'a.b.example.com');
  assert.equal(table.find('x.b.example.com'), '*.b.example.com');
  assert.equal(table.find('x.y.b.example.com'), '*.b.example.com');
  assert.equal(table.find('b.example.com'), '*.example.com');
  assert.equal(table.find('example.com'), '*');
  assert.equal(table.find(undefined), '*');
});

it('a wildcard covers neither its own suffix nor a name that only ends alike', () => {
  const table = names('*.example.com');
  for (const name of ['example.com', '.example.com', 'badexample.com', 'x.example.com.evil']) {
    assert.equal(table.find(name), undefined, name);
  }
  assert.equal(table.find(undefined), undefined);
});

it('server names compare in lower case and without the last dot; what is no name is none', () => {
  assert.equal(normalizeServerName('App.Example.COM.'), 'app.example.com');
  assert.equal(normalizeServerName('10.0.0.1'), '10.0.0.1');
  for (const name of ['', '.', 'a..b', '.a', 'a b', 'a\0b', 'ä.example', 'a/b', '*.example.com', 'a'.repeat(254)]) {
    assert.equal(normalizeServerName(name), undefined, JSON.stringify(name));
  }
});
