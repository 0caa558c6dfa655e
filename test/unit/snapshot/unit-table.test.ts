import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Cluster } from '#gateway/snapshot/cluster.ts';
import { NO_UNITS } from '#gateway/snapshot/diff.ts';
import { hashUnits } from '#gateway/snapshot/hash.ts';
import { UnitTable } from '#gateway/snapshot/unit-table.ts';
import { snapshotOf, tablesOf, unitsOf } from '#gateway/snapshot/units.ts';

type Unit = { readonly value: number };

const step = fc.record({
  set: fc.array(fc.tuple(fc.string({ maxLength: 2 }), fc.record({ value: fc.nat(3) })), { maxLength: 5 }),
  removed: fc.array(fc.string({ maxLength: 2 }), { maxLength: 3 }),
});

test('a table holds what a map with the same changes holds, and an old one stays as it was', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      let table = UnitTable.empty<Unit>();
      const map = new Map<string, Unit>();
      for (const { set, removed } of steps) {
        const before = table;
        const record = JSON.stringify(before.record);
        table = table.with(set, removed);
        for (const key of removed) map.delete(key);
        for (const [key, unit] of set) map.set(key, unit);
        assert.deepEqual(table.record, Object.fromEntries(map));
        assert.equal(table.size, map.size);
        for (const [key, unit] of map) assert.equal(table.get(key), unit);
        assert.equal(JSON.stringify(before.record), record);
        const changes = table.changesSince(before).map(({ key, after }) => [key, after] as const);
        const again = before.with(
          changes.flatMap(([key, after]) => (after === undefined ? [] : [[key, after] as const])),
          changes.flatMap(([key, after]) => (after === undefined ? [key] : [])),
        );
        assert.deepEqual(again.record, table.record);
      }
    }),
  );
});

test('the same units give the same bytes, whatever way led to them', () => {
  const units = Array.from({ length: 2_000 }, (_, index): [string, Unit] => [`key-${index}`, { value: index }]);
  const one = UnitTable.empty<Unit>().with(units, []);
  let other = UnitTable.empty<Unit>().with([['gone', { value: 0 }]], []);
  for (const entry of units.toReversed()) other = other.with([entry], ['gone']);
  assert.equal(JSON.stringify(one.record), JSON.stringify(other.record));
});

test('a change of one unit leaves the hash of all others alone, and changes that of the whole', () => {
  const cluster = (key: string, port: number) => Object.freeze({ key, port }) as Cluster;
  const clusters = UnitTable.empty<Cluster>().with(
    Array.from({ length: 3_000 }, (_, index) => [`c${index}`, cluster(`c${index}`, 80)] as const),
    [],
  );
  const tables = { ...tablesOf(NO_UNITS), clusters };
  const hash = hashUnits(unitsOf(tables));
  const changed = { ...tables, clusters: clusters.with([['c7', cluster('c7', 81)]], []) };
  assert.notEqual(hashUnits(unitsOf(changed)), hash);
  const back = { ...changed, clusters: changed.clusters.with([['c7', cluster('c7', 80)]], []) };
  assert.equal(hashUnits(snapshotOf(9, unitsOf(back))), hash);
});
