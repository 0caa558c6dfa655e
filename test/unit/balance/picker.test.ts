import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BalancedEndpoint, createPicker } from '#gateway/proxy/balance/picker.ts';

type Endpoint = BalancedEndpoint & { readonly name: string; active: number; weight: number };

const endpoint = (name: string, weight = 1, active = 0): Endpoint => ({ name, weight, active });

/** A small generator with a fixed seed, so that a failure repeats. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

function counts(
  endpoints: readonly Endpoint[],
  pick: () => Endpoint | undefined,
  rounds: number,
): Record<string, number> {
  const found = Object.fromEntries(endpoints.map(({ name }) => [name, 0]));
  for (let i = 0; i < rounds; i += 1) {
    const name = pick()?.name ?? 'none';
    found[name] = (found[name] ?? 0) + 1;
  }
  return found;
}

for (const policy of ['LEAST_REQUEST', 'ROUND_ROBIN', 'RANDOM'] as const) {
  test(`${policy}: no endpoint gives none, one gives that one`, () => {
    assert.equal(createPicker(policy, [], Math.random).pick(), undefined);
    const only = endpoint('only');
    assert.equal(createPicker(policy, [only], Math.random).pick(), only);
  });

  test(`${policy}: idle endpoints share in proportion to their weights`, () => {
    const endpoints = [endpoint('a', 1), endpoint('b', 3)];
    const picker = createPicker(policy, endpoints, seeded(7));
    const found = counts(endpoints, () => picker.pick(), 8_000);
    assert.ok((found['b'] ?? 0) > 5_800 && (found['b'] ?? 0) < 6_200, JSON.stringify(found));
  });
}

test('ROUND_ROBIN: every endpoint once in each turn, from a random start', () => {
  const endpoints = ['a', 'b', 'c', 'd'].map((name) => endpoint(name));
  const starts = new Set<string | undefined>();
  for (let seed = 1; seed < 40; seed += 1) {
    const picker = createPicker('ROUND_ROBIN', endpoints, seeded(seed * 7_919));
    const turn = [1, 2, 3, 4].map(() => picker.pick()?.name);
    assert.equal(new Set(turn).size, 4);
    assert.equal(picker.pick()?.name, turn[0]);
    starts.add(turn[0]);
  }
  assert.ok(starts.size > 1);
});

test('LEAST_REQUEST: an endpoint that hangs with many requests is hardly chosen', () => {
  const endpoints = [endpoint('busy', 1, 100), endpoint('b'), endpoint('c')];
  const picker = createPicker('LEAST_REQUEST', endpoints, seeded(3));
  const found = counts(endpoints, () => picker.pick(), 9_000);
  assert.ok((found['busy'] ?? 0) < 1_300, JSON.stringify(found));
});

test('LEAST_REQUEST: requests in flight are in proportion to the weights', () => {
  const endpoints = [endpoint('a', 1), endpoint('b', 3), endpoint('c', 1)];
  const picker = createPicker('LEAST_REQUEST', endpoints, seeded(13));
  for (let i = 0; i < 1_000; i += 1) {
    const picked = picker.pick();
    if (picked !== undefined) picked.active += 1;
  }
  for (const { active, weight } of endpoints) assert.ok(Math.abs(active - 200 * weight) < 20, String(active));
});

test('LEAST_REQUEST: requests in flight even out', () => {
  const endpoints = ['a', 'b', 'c', 'd', 'e'].map((name) => endpoint(name));
  const picker = createPicker('LEAST_REQUEST', endpoints, seeded(11));
  for (let i = 0; i < 1_000; i += 1) {
    const picked = picker.pick();
    if (picked !== undefined) picked.active += 1;
  }
  for (const { active } of endpoints) assert.ok(Math.abs(active - 200) < 12, String(active));
});
