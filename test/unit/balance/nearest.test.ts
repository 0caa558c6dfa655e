import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNearestPicker, nearestFirst } from '#gateway/proxy/balance/nearest.ts';
import type { Cluster, Endpoint } from '#gateway/snapshot/cluster.ts';

type Some = Partial<Endpoint> & { readonly address: string };

/** How often each address is picked in so many tries. */
function picked(endpoints: readonly Some[], shares?: Cluster['shares'], tries = 1000): Record<string, number> {
  const whole = endpoints.map((endpoint) => ({ port: 80, weight: 1, ...endpoint }));
  const cluster = { balancer: 'ROUND_ROBIN', endpoints: whole, ...(shares && { shares }) } as const;
  const inOrder = nearestFirst(cluster);
  const runtimes = inOrder.map(({ address, weight }) => ({ address, weight, active: 0 }));
  const picker = createNearestPicker(cluster, inOrder, runtimes, Math.random);
  const counts: Record<string, number> = {};
  for (let index = 0; index < tries; index += 1) {
    const { address } = picker.pick() ?? { address: 'none' };
    counts[address] = (counts[address] ?? 0) + 1;
  }
  return counts;
}

test('the nearest endpoints take everything', () => {
  assert.deepEqual(
    picked([{ address: 'a', priority: 1 }, { address: 'b' }, { address: 'c', priority: 2 }, { address: 'd' }]),
    {
      b: 500,
      d: 500,
    },
  );
  assert.deepEqual(
    picked([
      { address: 'a', priority: 2 },
      { address: 'b', priority: 1 },
    ]),
    { b: 1000 },
  );
});

test('the others follow in the order of their distance', () => {
  const endpoints = [
    { address: 'a', port: 80, weight: 1, priority: 2 },
    { address: 'b', port: 80, weight: 1, priority: 1 },
    { address: 'c', port: 80, weight: 1 },
    { address: 'd', port: 80, weight: 1, priority: 1 },
  ];
  const order = (cluster: Parameters<typeof nearestFirst>[0]) => nearestFirst(cluster).map(({ address }) => address);
  assert.deepEqual(order({ endpoints }), ['c', 'b', 'd', 'a']);
});

test('shares are kept exactly; who has none is not taken, and one that has nobody left gives its share away', () => {
  const endpoints = [
    { address: 'a', locality: 'r/a' },
    { address: 'b', locality: 'r/a' },
    { address: 'c', locality: 'r/b' },
    { address: 'd', locality: 'r/c' },
  ];
  const shares = { 'r/a': 80, 'r/b': 20 };
  const { c, ...near } = picked(endpoints, shares);
  assert.deepEqual([c, (near['a'] ?? 0) + (near['b'] ?? 0), near['d']], [200, 800, undefined]);
  assert.deepEqual(picked(endpoints.slice(2), shares), { c: 1000 });
  assert.deepEqual(picked(endpoints.slice(3), shares), { none: 1000 });
});
