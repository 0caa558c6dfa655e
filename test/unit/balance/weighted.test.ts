import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WeightedChoice } from '#gateway/proxy/balance/weighted.ts';

const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('any 100 picks at 50/50 hold each destination 50 times, give or take one, whatever the start', () => {
  fc.assert(
    fc.property(unit, unit, fc.nat(300), (a, b, skipped) => {
      const choice = choiceOf([50, 50], [a, b]);
      pickMany(choice, skipped);
      const counts = pickMany(choice, 100);
      assert.ok(Math.abs((counts[0] ?? 0) - 50) <= 1, `got ${counts.join('/')}`);
    }),
  );
});

test('every window of ten picks at 90/10 holds the small share at most twice, and every window of twenty at least once', () => {
  fc.assert(
    fc.property(unit, unit, fc.nat(100), (a, b, skipped) => {
      const choice = choiceOf([90, 10], [a, b]);
      pickMany(choice, skipped);
      assert.ok((pickMany(choice, 10)[1] ?? 0) <= 2);
      const counts = pickMany(choice, 20);
      assert.ok((counts[1] ?? 0) >= 1 && (counts[1] ?? 0) <= 3);
    }),
  );
});

test('any weights are kept in proportion: the error stays below the number of destinations', () => {
  const weights = fc.array(fc.integer({ min: 0, max: 2 ** 31 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(weights, fc.array(unit, { minLength: 6, maxLength: 6 }), fc.nat(500), (vector, starts, picks) => {
      const total = vector.reduce((sum, weight) => sum + weight, 0);
      const counts = pickMany(choiceOf(vector, starts), picks);
      for (const [index, weight] of vector.entries()) {
        const expected = total === 0 ? 0 : (picks * weight) / total;
        assert.ok(Math.abs((counts[index] ?? 0) - expected) <= Math.max(2, vector.length));
      }
    }),
  );
});

test('a weight of zero is never chosen, and all zero chooses nothing', () => {
  const counts = pickMany(choiceOf([0, 7, 0], [0.9, 0.1, 0.5]), 200);
  assert.deepEqual(counts, [0, 200, 0]);
  assert.equal(choiceOf([0, 0], [0.5, 0.5]).pick(), -1);
  assert.equal(choiceOf([], []).pick(), -1);
});

test('a long run does not drift', () => {
  const counts = pickMany(choiceOf([1, 2, 97], [0.3, 0.6, 0.9]), 100_000);
  for (const [index, weight] of [1, 2, 97].entries()) {
    assert.ok(Math.abs((counts[index] ?? 0) - weight * 1000) <= 3);
  }
});

test('different starts choose different first destinations', () => {
  const firsts = new Set([choiceOf([50, 50], [0.1, 0.9]).pick(), choiceOf([50, 50], [0.9, 0.1]).pick()]);
  assert.equal(firsts.size, 2);
});

test('the state survives as long as the weights are the same', () => {
  const choice = choiceOf([90, 10], [0.2, 0.4]);
  assert.equal(WeightedChoice.reuse(choice, [90, 10], Math.random), choice);
  assert.notEqual(WeightedChoice.reuse(choice, [10, 90], Math.random), choice);
  assert.notEqual(WeightedChoice.reuse(choice, [90, 10, 1], Math.random), choice);
});

function choiceOf(weights: readonly number[], starts: readonly number[]): WeightedChoice {
  let next = 0;
  return new WeightedChoice(weights, () => starts[next++ % starts.length] ?? 0);
}

function pickMany(choice: WeightedChoice, times: number): number[] {
  const counts: number[] = [];
  for (let i = 0; i < times; i++) {
    const index = choice.pick();
    if (index >= 0) counts[index] = (counts[index] ?? 0) + 1;
  }
  return Array.from({ length: Math.max(counts.length, 3) }, (_, index) => counts[index] ?? 0);
}
