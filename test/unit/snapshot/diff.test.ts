import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { applyDelta, diffUnits, isEmptyChange, NO_UNITS } from '#gateway/snapshot/diff.ts';
import { deepFreeze } from '#gateway/snapshot/freeze.ts';
import { hashUnit, hashUnits } from '#gateway/snapshot/hash.ts';
import type { SnapshotUnits } from '#gateway/snapshot/snapshot.ts';

const key = fc.constantFrom('a', 'b', 'c', 'd', '1', '2');
/** Objects as JSON makes them. */
const plain = { noNullPrototype: true };

const cluster = fc.record(
  {
    key: fc.constant('a'),
    host: fc.constantFrom('x', 'y'),
    port: fc.constantFrom(80, 81),
    namespace: fc.constant('n'),
    serviceName: fc.constant('s'),
    resolution: fc.constant('STATIC' as const),
    balancer: fc.constant('RANDOM' as const),
    connectTimeoutMs: fc.constant(1),
    endpoints: fc.array(
      fc.record({ address: fc.constantFrom('1', '2'), port: fc.constant(1), weight: fc.constant(1) }, plain),
      {
        maxLength: 2,
      },
    ),
  },
  plain,
);
const virtualHost = fc.record(
  {
    key: fc.constant('a'),
    listener: fc.constant('l'),
    domain: fc.constantFrom('*', 'x'),
    routes: fc.constant([]),
  },
  plain,
);
const units: fc.Arbitrary<SnapshotUnits> = fc.record(
  {
    listeners: fc.constant({}),
    virtualHosts: fc.dictionary(key, virtualHost, plain),
    clusters: fc.dictionary(key, cluster, plain),
    certificates: fc.constant({}),
  },
  plain,
);

describe('diffUnits and applyDelta', () => {
  test('what leads from one set of units to another gives that other one', () => {
    fc.assert(
      fc.property(units, units, (previous, next) => {
        const result = applyDelta(previous, diffUnits(previous, next));
        assert.deepEqual(result, next);
        assert.ok(isEmptyChange(diffUnits(result, next)));
      }),
    );
  });

  test('it survives being written to a file and read again', () => {
    fc.assert(
      fc.property(units, units, (previous, next) => {
        const delta = JSON.parse(JSON.stringify(diffUnits(previous, next))) as ReturnType<typeof diffUnits>;
        assert.deepEqual(applyDelta(previous, delta), next);
      }),
    );
  });

  test('units built again with the same content are not published again', () => {
    fc.assert(
      fc.property(units, (previous) => {
        assert.ok(isEmptyChange(diffUnits(previous, structuredClone(previous))));
      }),
    );
  });

  test('a full snapshot is a delta from nothing', () => {
    fc.assert(fc.property(units, (next) => assert.deepEqual(applyDelta(NO_UNITS, diffUnits(NO_UNITS, next)), next)));
  });

  test('units that a delta does not name are the same objects', () => {
    const [one, two] = fc.sample(cluster, { numRuns: 2, seed: 1 });
    assert.ok(one && two);
    const previous = { ...NO_UNITS, clusters: { a: one, b: two } };
    const next = applyDelta(previous, diffUnits(previous, { ...previous, clusters: { a: one } }));
    assert.equal(next.clusters['a'], one);
    assert.equal(next.virtualHosts, previous.virtualHosts);
    assert.deepEqual(Object.keys(next.clusters), ['a']);
  });
});

describe('hashes', () => {
  test('equal content has the same hash, in whatever order it was put together', () => {
    assert.equal(hashUnit({ a: 1, b: { c: [1, 2], d: 3 } }), hashUnit({ b: { d: 3, c: [1, 2] }, a: 1 }));
    assert.notEqual(hashUnit({ a: [1, 2] }), hashUnit({ a: [2, 1] }));
  });

  test('nodes that see the same have the same hash, wherever they stand', () => {
    const at = (priorities: readonly number[], shares?: Readonly<Record<string, number>>) => {
      const endpoints = priorities.map((priority, index) => ({
        address: `10.0.0.${index}`,
        port: 80,
        weight: 1,
        ...(priority > 0 && { priority }),
      }));
      const [drawn] = fc.sample(cluster, { numRuns: 1, seed: 1 });
      assert.ok(drawn);
      const a = { ...drawn, endpoints, ...(shares && { shares }) };
      return hashUnits(deepFreeze({ ...NO_UNITS, clusters: { a } }));
    };
    assert.equal(at([0, 1]), at([1, 0]));
    assert.equal(at([0, 1]), at([0, 0]));
    assert.equal(at([0, 0], { x: 1 }), at([0, 0]));
    assert.notEqual(at([0, 1]), at([0, 1, 2]));
  });

  test('the hash of all units tells whether they are equal', () => {
    fc.assert(
      fc.property(units, units, (one, other) => {
        const equal = isEmptyChange(diffUnits(one, other));
        assert.equal(hashUnits(deepFreeze(one)) === hashUnits(other), equal);
      }),
    );
  });
});

test('frozen units cannot be changed, all the way down', () => {
  const unit = deepFreeze({ a: { b: [{ c: 1 }] } });
  assert.ok(Object.isFrozen(unit.a.b[0]));
});
