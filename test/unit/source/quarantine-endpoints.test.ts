import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENDPOINTS_MS } from '#gateway/control/source/quarantine/patience.ts';
import { podYaml, serviceYaml, shop, World } from '../../kit/quarantine-world.ts';
import { destinationRuleYaml, gatewayYaml, serviceAndPodYaml, virtualServiceYaml } from '../../kit/yaml-objects.ts';

/** What leads traffic somewhere new, and the parts that it takes; in the end `served` is served. */
const moves: Readonly<Record<string, { readonly parts: readonly string[]; readonly served: readonly string[] }>> = {
  'a new subset': {
    parts: [virtualServiceYaml({ v1: 50, v3: 50 }), destinationRuleYaml(['v1', 'v2', 'v3']), podYaml('shop', 'v3')],
    served: ['outbound|80|v1|shop.default.svc.cluster.local', 'outbound|80|v3|shop.default.svc.cluster.local'],
  },
  'another subset in place of the old ones': {
    parts: [virtualServiceYaml({ v3: 1 }), destinationRuleYaml(['v3']), podYaml('shop', 'v3')],
    served: ['outbound|80|v3|shop.default.svc.cluster.local'],
  },
  'another service': {
    parts: [
      virtualServiceYaml({ v1: 1 }, { service: 'next' }),
      destinationRuleYaml(['v1'], 'next'),
      serviceYaml('next'),
      podYaml('next', 'v1'),
    ],
    served: ['outbound|80|v1|next.default.svc.cluster.local'],
  },
};

for (const [what, { parts, served }] of Object.entries(moves)) {
  test(`${what}: in whatever order the objects are applied, every destination served has endpoints, and the end is the same`, () => {
    for (const order of permutations(parts)) {
      const world = shop();
      for (const [step, part] of order.entries()) {
        world.write(part).round();
        const endpoints = world.endpointsServed();
        assert.ok(
          Object.values(endpoints).every((count) => count > 0),
          `step ${step}: ${JSON.stringify(endpoints)}`,
        );
      }
      assert.deepEqual(Object.keys(world.endpointsServed()).sort(), served);
      assert.deepEqual(world.errors(), []);
      assert.equal(world.waitsUntil, undefined);
    }
  });
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}

test('a change waits a minute for the endpoints of its destinations, says so, and is then served as written', () => {
  const world = shop().write(destinationRuleYaml(['v1', 'v2', 'v3']));
  world.round();
  world.write(virtualServiceYaml({ v3: 1 }));
  const { problems } = world.round();
  assert.deepEqual(world.served(), { v1: 50, v2: 50 });
  assert.deepEqual(world.errors(), ['VirtualService MG1007']);
  assert.match(
    problems.find(({ code }) => code === 'MG1007')?.message ?? '',
    /outbound\|80\|v3\|shop\.default\.svc\.cluster\.local has no ready endpoint.* at 1970-01-02T00:01:00.000Z in any case\. Until then its last good version/,
  );
  assert.equal(world.waitsUntil, world.now + ENDPOINTS_MS);
  world.now += ENDPOINTS_MS - 1;
  world.round();
  assert.deepEqual(world.served(), { v1: 50, v2: 50 });
  world.now += 1;
  world.round();
  assert.deepEqual(world.served(), { v3: 1 });
  assert.deepEqual(world.errors(), []);
  assert.equal(world.waitsUntil, undefined);
});

test('a change that leads where its good version led already waits for no endpoints', () => {
  const world = shop().remove('Pod/default/shop-v2');
  world.round();
  world.write(virtualServiceYaml({ v1: 10, v2: 90 })).round();
  assert.deepEqual(world.served(), { v1: 10, v2: 90 });
});

test('after a restart, too, a change that leads where its good version led waits for no endpoints', () => {
  const before = shop().remove('Pod/default/shop-v2');
  before.round();
  const world = new World(before.accepted.values());
  const [service = '', v1 = ''] = serviceAndPodYaml().split('---\n');
  world.write(gatewayYaml(), service, v1, destinationRuleYaml(), virtualServiceYaml({ v1: 10, v2: 90 })).round();
  assert.deepEqual(world.served(), { v1: 10, v2: 90 });
});

test('a change that takes the last endpoint from what traffic leads to waits for pods, a minute at most, and says so', () => {
  const relabelled = destinationRuleYaml().replace('version: v2', 'version: blue');
  const world = shop().write(relabelled);
  const { problems } = world.round();
  assert.deepEqual(Object.values(world.endpointsServed()), [1, 1]);
  assert.deepEqual(world.errors(), ['DestinationRule MG1007']);
  assert.match(
    problems.find(({ code }) => code === 'MG1007')?.message ?? '',
    /would leave outbound\|80\|v2\|shop.* without any ready endpoint.* at 1970-01-02T00:01:00.000Z in any case/,
  );
  world.write(podYaml('shop', 'blue')).round();
  assert.deepEqual(world.errors(), []);
  assert.equal(world.waitsUntil, undefined);
  world.write(destinationRuleYaml().replace('version: v2', 'version: green')).round();
  assert.deepEqual(world.errors(), ['DestinationRule MG1007']);
  world.now += ENDPOINTS_MS;
  world.round();
  assert.deepEqual(Object.values(world.endpointsServed()), [1, 0]);
  assert.deepEqual(world.errors(), []);
});

test('a service that is scaled to nothing holds up no change of its rule', () => {
  const world = shop().remove('Pod/default/shop-v2');
  world.round();
  world.write(destinationRuleYaml().replace('version: v2', 'version: blue')).round();
  assert.deepEqual(world.errors(), []);
});
