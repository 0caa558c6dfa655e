import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AcceptedRecord } from '#gateway/control/source/accepted-journal.ts';
import { interpretFile } from '#gateway/control/source/object-file.ts';
import { isUsable } from '#gateway/control/source/object-store.ts';
import type { Problem } from '#gateway/snapshot/problem.ts';
import { type Choice, identityIn, podYaml, serviceYaml, shop, World } from '../../kit/quarantine-world.ts';
import { destinationRuleYaml, gatewayYaml, serviceAndPodYaml, virtualServiceYaml } from '../../kit/yaml-objects.ts';
import { edits } from '../build/small-world.ts';

test('a version that cannot be read is not taken: the last good one serves, and the Problem says since when', () => {
  const world = shop().write(virtualServiceYaml({ v1: 90, v2: 10 }).replace('weight: 10', 'wieght: 10'));
  const { problems, quarantined } = world.round();
  assert.deepEqual(world.served(), { v1: 50, v2: 50 });
  assert.ok(quarantined.has('VirtualService/default/shop'));
  assert.match(problems[0]?.message ?? '', /last good version, accepted 1970-01-02T00:00:00.000Z, keeps serving/);
  world.write(virtualServiceYaml({ v1: 90, v2: 10 })).round();
  assert.deepEqual(world.served(), { v1: 90, v2: 10 });
  assert.deepEqual(world.errors(), []);
});

test('a changed version with an unknown subset is not taken, until the subset is there', () => {
  const world = shop().write(virtualServiceYaml({ v1: 50, v3: 50 }));
  world.round();
  assert.deepEqual(world.served(), { v1: 50, v2: 50 });
  assert.deepEqual(world.errors(), ['VirtualService MG0303']);
  world.write(destinationRuleYaml(['v1', 'v2', 'v3']), podYaml('shop', 'v3')).round();
  assert.deepEqual(world.served(), { v1: 50, v3: 50 });
  assert.deepEqual(world.errors(), []);
});

test('a change of what holds another one back does not let it through', () => {
  const world = shop().write(destinationRuleYaml(['v1']));
  world.round();
  world.write(virtualServiceYaml({ v1: 80, v2: 20 })).round();
  assert.deepEqual(world.served(), { v1: 80, v2: 20 });
  assert.deepEqual(world.errors(), ['DestinationRule MG1006']);
  assert.deepEqual(Object.values(world.endpointsServed()), [1, 1]);
});

test('what waits for another object waits with it, and both are served as soon as that one has changed', () => {
  const other = virtualServiceYaml({ v2: 1 }, { name: 'other' });
  const world = shop().write(other, podYaml('shop', 'v3'));
  world.round();
  world.write(destinationRuleYaml(['v1', 'v3']), virtualServiceYaml({ v1: 1, v3: 1 })).round();
  assert.deepEqual(world.served(), { v1: 50, v2: 50 });
  assert.deepEqual(world.errors(), ['DestinationRule MG1006', 'VirtualService MG0303']);
  world.write(virtualServiceYaml({ v1: 1 }, { name: 'other' })).round();
  assert.deepEqual(world.served(), { v1: 1, v3: 1 });
  assert.deepEqual(world.errors(), []);
});

test('an object that waits holds up no change that is well without it', () => {
  const world = shop().write(destinationRuleYaml(['v1']), virtualServiceYaml({ v1: 1 }, { name: 'other' }));
  world.round();
  const { quarantined } = world.write(virtualServiceYaml({ v1: 1, v2: 1 }, { name: 'other' })).round();
  assert.ok(!quarantined.has('VirtualService/default/other'));
  assert.deepEqual(world.errors(), ['DestinationRule MG1006']);
});

test('a new object that would break what is served is not served, and says so', () => {
  const nearer = destinationRuleYaml(['v1']).replace('name: shop', 'name: nearer\n  namespace: edge');
  const world = shop(identityIn('edge')).write(nearer.replace('host: shop', 'host: shop.default.svc.cluster.local'));
  const { problems, quarantined } = world.round();
  assert.deepEqual(Object.values(world.endpointsServed()), [1, 1]);
  assert.ok(quarantined.has('DestinationRule/edge/nearer'));
  assert.match(
    problems.find(({ code }) => code === 'MG1006')?.message ?? '',
    /would break VirtualService default\/shop: .* Until then the object is not served\./,
  );
  world.write(virtualServiceYaml({ v1: 1 })).round();
  assert.deepEqual(world.errors(), []);
});

test('a new Gateway is served though it exposes a VirtualService that is broken', () => {
  const broken = virtualServiceYaml({ v1: 1 }, { name: 'broken', service: 'nowhere' });
  const world = shop().write(broken.replace('- edge', '- later'));
  world.round();
  const { quarantined } = world.write(gatewayYaml('later')).round();
  assert.ok(!quarantined.has('Gateway/default/later'));
  assert.ok(world.errors().includes('VirtualService IST0101'));
});

test('a changed version whose host nobody answers for is not taken', () => {
  const world = shop().write(virtualServiceYaml({ v1: 50, v2: 50 }, { service: 'shpo' }));
  world.round();
  assert.deepEqual(world.served(), { v1: 50, v2: 50 });
  assert.ok(world.errors().includes('VirtualService IST0101'));
});

test('a DestinationRule that drops a subset in use waits for the VirtualService, in whatever order they come', () => {
  const world = shop().write(destinationRuleYaml(['v1']));
  const { problems } = world.round();
  assert.deepEqual(world.errors(), ['DestinationRule MG1006']);
  assert.match(
    problems.find(({ code }) => code === 'MG1006')?.message ?? '',
    /would break VirtualService default\/shop/,
  );
  world.write(virtualServiceYaml({ v1: 100 })).round();
  assert.deepEqual(Object.keys(world.served()), ['v1']);
  assert.deepEqual(world.errors(), []);
});

test('a DestinationRule that renames subsets waits while the VirtualService of the same edit is broken', () => {
  const world = shop().write(
    destinationRuleYaml(['blue', 'green']),
    virtualServiceYaml({ blue: 50, green: 50 }).replace('weight', 'wieght'),
  );
  world.round();
  assert.deepEqual(world.served(), { v1: 50, v2: 50 });
  assert.deepEqual(world.errors(), ['DestinationRule MG1006', 'VirtualService MG0201']);
  world.write(virtualServiceYaml({ blue: 50, green: 50 }), podYaml('shop', 'blue'), podYaml('shop', 'green')).round();
  assert.deepEqual(world.served(), { blue: 50, green: 50 });
});

test('of many objects that change at once, only those that do harm wait', () => {
  const world = shop().write(
    destinationRuleYaml(['v1']),
    virtualServiceYaml({ v1: 1 }, { name: 'other' }),
    gatewayYaml().replace('name: http', 'name: web'),
  );
  world.round();
  assert.deepEqual(world.errors(), ['DestinationRule MG1006']);
  const hosts = world.hosts.map(({ domain }) => domain);
  assert.ok(hosts.includes('other.example'));
});

test('of a hundred objects that change at once, only the two that do harm wait', () => {
  const names = Array.from({ length: 100 }, (_, index) => `s${String(index).padStart(2, '0')}`);
  const rule = (name: string, ...subsets: string[]): string => destinationRuleYaml(subsets, name);
  const world = shop();
  for (const name of names)
    world.write(serviceYaml(name), rule(name, 'v1', 'v2'), virtualServiceYaml({ v1: 1 }, { name, service: name }));
  world.round();
  for (const name of names) world.write(rule(name, ...(name === 's17' || name === 's71' ? ['v2'] : ['v1'])));
  const { quarantined } = world.round();
  const waiting = names.filter((name) => quarantined.has(`DestinationRule/default/${name}`));
  assert.deepEqual(waiting, ['s17', 's71']);
});

test('a deletion is obeyed: what still refers to the object is served as far as it resolves, with a Problem', () => {
  const world = shop().remove('DestinationRule/default/shop');
  world.round();
  assert.deepEqual(world.served(), { v1: 50, v2: 50 });
  assert.deepEqual(world.errors(), ['VirtualService MG0303']);
  assert.ok(!world.accepted.has('DestinationRule/default/shop'));
});

test('a new object with an unresolved reference is served as far as it resolves', () => {
  const world = new World().write(
    gatewayYaml(),
    serviceAndPodYaml(),
    destinationRuleYaml(['v1']),
    virtualServiceYaml(),
  );
  world.round();
  assert.deepEqual(world.served(), { v1: 50, v2: 50 });
  assert.deepEqual(world.errors(), ['VirtualService MG0303']);
});

test('an error that stood before does not keep a change from being taken', () => {
  const world = new World().write(
    gatewayYaml(),
    serviceAndPodYaml(),
    destinationRuleYaml(['v1']),
    virtualServiceYaml(),
  );
  world.round();
  world.write(virtualServiceYaml({ v1: 80, v2: 20 })).round();
  assert.deepEqual(world.served(), { v1: 80, v2: 20 });
});

test('after a restart the last good version serves while its object is broken, whatever way it is broken', () => {
  const before = shop();
  for (const text of [virtualServiceYaml().replace('weight', 'wieght'), virtualServiceYaml({ v1: 1, v9: 1 })]) {
    const world = new World(before.accepted.values());
    world.write(gatewayYaml(), serviceAndPodYaml(), destinationRuleYaml(), text).round();
    assert.deepEqual(world.served(), { v1: 50, v2: 50 });
  }
  const alone = new World(before.accepted.values());
  alone.round();
  assert.deepEqual(alone.served(), { v1: 50, v2: 50 }, 'also when no object was told at all');
});

test('after a restart a DestinationRule that drops a subset in use still waits', () => {
  const before = shop();
  const world = new World(before.accepted.values());
  world.write(gatewayYaml(), serviceAndPodYaml(), destinationRuleYaml(['v1']), virtualServiceYaml()).round();
  assert.deepEqual(world.errors(), ['DestinationRule MG1006']);
});

test('an object that merely moved in its file keeps the time at which it was accepted', () => {
  const world = shop();
  const [object] = interpretFile('f.yaml', `# a comment\n${virtualServiceYaml()}`, undefined).objects;
  assert.ok(isUsable(object));
  world.store.apply({ type: 'upsert', object });
  world.store.accept([object], 99);
  assert.equal(world.store.get(object.key)?.good?.acceptedAt, 86_400_000);
});

test('an object that begins to close hosts is taken at once, whatever it was before: nothing older may keep them open', () => {
  const policy = (selector: string) =>
    `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: istio-system}\nspec: {selector: {matchLabels: {${selector}}}, rules: [{when: [{key: k, values: [v]}]}]}\n`;
  const world = shop().write(policy('app: shop'));
  world.round();
  assert.deepEqual(world.served(), { v1: 50, v2: 50 });
  const { quarantined } = world.write(policy('istio: ingressgateway')).round();
  assert.ok(!quarantined.has('AuthorizationPolicy/istio-system/p'));
  assert.deepEqual(world.errors(), ['AuthorizationPolicy MG0401']);
  for (const { denied } of world.hosts) assert.ok(denied);
  // A typo in it keeps them closed as well.
  world.write(policy('istio: ingressgateway').replace('rules:', 'rulez:')).round();
  for (const { denied } of world.hosts) assert.ok(denied);
});

test('an object that begins to close hosts is taken also when many others of its moment are turned down', () => {
  const policy = (selector: string) =>
    `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: istio-system}\nspec: {selector: {matchLabels: {${selector}}}, rules: [{when: [{key: k, values: [v]}]}]}\n`;
  const others = Array.from({ length: 10 }, (_, index) => serviceYaml(`other-${index}`));
  const world = shop().write(policy('app: shop'), ...others);
  world.round();
  const { quarantined } = world
    .write(
      policy('istio: ingressgateway'),
      destinationRuleYaml(['v1']),
      ...others.map((text) => text.replace('port: 80', 'port: 81')),
    )
    .round();
  assert.ok(quarantined.has('DestinationRule/default/shop'));
  for (const { denied } of world.hosts) assert.ok(denied);
});

test('what waits is tried again only when something that it looks at has changed', () => {
  const world = shop().write(virtualServiceYaml({ v9: 1 }), serviceYaml('other'), destinationRuleYaml(['v1'], 'other'));
  world.round();
  const isTried = (...texts: string[]): boolean => {
    world.tried.length = 0;
    world.write(...texts).round();
    return world.tried.includes('VirtualService/default/shop');
  };
  assert.ok(!isTried(destinationRuleYaml(['v1', 'v2'], 'other'), serviceYaml('third')));
  assert.ok(!isTried(virtualServiceYaml({ v1: 1 }, { name: 'other', service: 'other' }), podYaml('shop', 'v1')));
  assert.ok(isTried(destinationRuleYaml(['v1', 'v2', 'v3'])));
  assert.ok(isTried(gatewayYaml().replace('name: http', 'name: web')));
  assert.ok(isTried(destinationRuleYaml(['v1', 'v2', 'v9']), podYaml('shop', 'v9')));
  assert.deepEqual(world.served(), { v9: 1 });
});

const UNREACHED = {
  'behind a rule that takes everything': `  - redirect: { uri: /moved }
  - route: [{ destination: { host: shop, subset: v3 } }]
`,
  'for callers of a mesh only': `  - match: [{ gateways: [mesh] }]
    route: [{ destination: { host: shop, subset: v3 } }]
  - redirect: { uri: /moved }
`,
};

for (const [what, rules] of Object.entries(UNREACHED))
  test(`a subset may be renamed in two steps also where only a rule ${what} has the new name`, () => {
    const yaml = virtualServiceYaml();
    const world = shop().write(`${yaml.slice(0, yaml.indexOf('  http:'))}  http:\n${rules}`);
    world.round();
    assert.deepEqual(world.served(), { v1: 50, v2: 50 });
    assert.deepEqual(world.errors(), ['VirtualService MG0303']);
    world.write(destinationRuleYaml(['v3']), podYaml('shop', 'v3')).round();
    assert.deepEqual(world.errors(), []);
    assert.deepEqual(
      world.hosts.map(({ routes }) => routes.map(({ action }) => action.kind)),
      [['redirect']],
    );
  });

/** Another world that was told all of this at once: what is accepted, and the newest of every object. */
function toldAtOnce(accepted: readonly AcceptedRecord[], newest: ReadonlyMap<string, string>): World {
  const world = new World(accepted);
  for (const text of newest.values()) world.write(text);
  world.round();
  return world;
}

test('deciding about what was touched decides what deciding about everything anew does', () => {
  fc.assert(
    fc.property(edits, (steps) => {
      const world = new World();
      const newest = new Map<string, string>();
      for (const { put, remove } of steps) {
        const fresh = toldAtOnce([...world.accepted.values()], newest);
        const gone = remove.flatMap((index) => [...newest.keys()][index % Math.max(newest.size, 1)] ?? []);
        for (const each of [world, fresh]) for (const key of gone) each.remove(key);
        for (const key of gone) newest.delete(key);
        for (const text of put) {
          for (const each of [world, fresh]) each.write(text);
          for (const { key } of interpretFile('f.yaml', text, undefined).objects) newest.set(key, text);
        }
        const [choice, other] = [world.round(), fresh.round()];
        assert.equal(JSON.stringify(world.units), JSON.stringify(fresh.units));
        const waiting = (one: Choice) => [...newest.keys()].filter((key) => one.quarantined.has(key)).sort();
        assert.deepEqual(waiting(choice), waiting(other));
        assert.deepEqual(new Set(choice.problems.map(subjectOf)), new Set(other.problems.map(subjectOf)));
      }
    }),
    { numRuns: 100 },
  );
});

/** Which of an object's errors are new, and so named, depends on when it was looked at; that it has some does not. */
function subjectOf({ severity, object }: Problem): string {
  return JSON.stringify([severity, object]);
}
