import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HostTable } from '#gateway/proxy/route/host-table.ts';

const table = HostTable.from(
  ['a.foo.com', '*.foo.com', '*.b.foo.com', 'exact.b.foo.com', '*'].map((domain) => [domain, domain] as const),
);

for (const [host, expected] of [
  ['a.foo.com', 'a.foo.com'],
  ['x.foo.com', '*.foo.com'],
  ['x.y.foo.com', '*.foo.com'],
  ['x.b.foo.com', '*.b.foo.com'],
  ['exact.b.foo.com', 'exact.b.foo.com'],
  ['b.foo.com', '*.foo.com'],
  ['foo.com', '*'],
  ['.foo.com', '*'],
  ['xfoo.com', '*'],
  ['localhost', '*'],
  ['10.0.0.1', '*'],
  ['[::1]', '*'],
  ['', '*'],
] as const) {
  test(`the host '${host}' belongs to '${expected}'`, () => assert.equal(table.find(host), expected));
}

test('without a * domain an unknown host belongs to nobody', () => {
  assert.equal(HostTable.from([['*.foo.com', 1]]).find('foo.com'), undefined);
});

test('a changed table leaves the old one as it was', () => {
  const changed = table.with([['x.foo.com', 'new']], ['*.foo.com', 'a.foo.com']);
  assert.equal(changed.find('x.foo.com'), 'new');
  assert.equal(changed.find('a.foo.com'), '*');
  assert.equal(table.find('x.foo.com'), '*.foo.com');
  assert.equal(table.find('a.foo.com'), 'a.foo.com');
});

const domain = fc
  .tuple(fc.boolean(), fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }))
  .map(([wildcard, labels]) => (wildcard ? `*.${labels.join('.')}` : labels.join('.')));
const change = fc.record({ set: fc.array(domain, { maxLength: 5 }), remove: fc.array(domain, { maxLength: 5 }) });

test('many small changes give the same table as building it at once', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
      const model = new Map<string, string>();
      let changing = HostTable.from<string>([]);
      for (const [step, { set, remove }] of changes.entries()) {
        const entries = set.map((one) => [one, `${one}#${step}`] as const);
        changing = changing.with(entries, remove);
        for (const one of remove) model.delete(one);
        for (const [one, value] of entries) model.set(one, value);
      }
      const built = HostTable.from(model);
      for (const host of ['a', 'b.a', 'c.b.a', 'a.a.a', 'c.c.b.a', 'd', 'd.a.b.c']) {
        assert.equal(changing.find(host), built.find(host));
      }
    }),
  );
});

test('a table that changed more often than its overlay holds still answers', () => {
  let changing = HostTable.from(Array.from({ length: 1000 }, (_, n) => [`h${n}.example`, n] as const));
  for (let n = 0; n < 1000; n++) changing = changing.with([[`h${n}.example`, n + 1]], [`h${n - 1}.example`]);
  assert.equal(changing.find('h999.example'), 1000);
  assert.equal(changing.find('h998.example'), undefined);
});
