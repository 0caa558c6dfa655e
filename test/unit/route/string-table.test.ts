import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EMPTY_HASH, hashBefore, hashOf, StringTable } from '#gateway/support/string-table.ts';

// Few different characters, so that keys are often alike, and of more than one byte.
const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', 'é', '字'), maxLength: 6 });

test('a table answers as a Map does, for what is in it and for what is not', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(text, fc.nat())), fc.array(text), (entries, others) => {
      const [table, model] = [new StringTable(entries), new Map(entries)];
      assert.equal(table.size, model.size);
      assert.deepEqual(new Map(table.entries()), model);
      for (const key of [...model.keys(), ...others]) assert.equal(table.get(key), model.get(key));
    }),
  );
});

test('the end of a text is found by its hash, and nothing that only hashes or ends alike', () => {
  fc.assert(
    fc.property(fc.array(text), text, fc.nat(6), (keys, whole, start) => {
      const end = whole.slice(start);
      const table = new StringTable(keys.map((key) => [key, key] as const));
      const found = table.find(whole, Math.min(start, whole.length), hashOf(end));
      assert.equal(found, keys.includes(end) ? end : undefined);
    }),
  );
});

test('keys that share a hash are told apart', () => {
  const [first, second] = collision();
  const table = new StringTable([[first, 1]]);
  assert.equal(hashOf(first), hashOf(second));
  assert.equal(table.get(first), 1);
  assert.equal(table.get(second), undefined);
  assert.equal(
    new StringTable([
      [first, 1],
      [second, 2],
    ]).get(second),
    2,
  );
});

test('the hash of a text grows from its end', () => {
  fc.assert(
    fc.property(text, (whole) => {
      let hash = EMPTY_HASH;
      for (let at = whole.length - 1; at >= 0; at--) {
        hash = hashBefore(whole.charCodeAt(at), hash);
        assert.equal(hash, hashOf(whole.slice(at)));
      }
    }),
  );
});

/** Two texts of equal hash: among 200,000 there is one pair at least for all practical purposes, and always the same. */
function collision(): [string, string] {
  const seen = new Map<number, string>();
  for (let n = 0; n < 1_000_000; n++) {
    const candidate = `h${n}.example`;
    const known = seen.get(hashOf(candidate));
    if (known !== undefined) return [known, candidate];
    seen.set(hashOf(candidate), candidate);
  }
  throw new Error('no collision');
}
