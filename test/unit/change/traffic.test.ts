import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planShift, trafficRoutes } from '#gateway/control/change/traffic.ts';
import { readObject } from '#gateway/control/resource/read-object.ts';
import type { VirtualServiceResource } from '#gateway/control/resource/resource.ts';
import { plainDocument } from '#gateway/control/resource/yaml-documents.ts';

type Destination = { host: string; subset?: string; port?: { number: number } };
type Rule = {
  name?: string;
  match?: object[];
  route?: { destination: Destination; weight?: number }[];
  redirect?: object;
};

function service(...http: Rule[]): VirtualServiceResource {
  const raw = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'x' },
    spec: { hosts: ['x.example'], gateways: ['edge'], http },
  };
  const { resource, problems } = readObject(plainDocument(raw, 'f'), {
    defaultNamespace: 'default',
    strictness: 'folder',
  });
  assert.ok(resource?.kind === 'VirtualService', JSON.stringify(problems));
  return resource;
}

function split(name: string | undefined, destinations: Record<string, Destination & { weight?: number }>): Rule {
  const route = Object.values(destinations).map(({ weight, ...destination }) => ({
    destination,
    ...(weight !== undefined && { weight }),
  }));
  return { ...(name !== undefined && { name }), match: [{ uri: { prefix: `/${name ?? ''}` } }], route };
}

function keysOf(...destinations: (Destination & { weight?: number })[]): string[] {
  const [route] = trafficRoutes(service(split('r', Object.fromEntries(destinations.entries()))));
  return route?.destinations.map(({ key }) => key) ?? [];
}

const two = { v1: { host: 'a', subset: 'v1', weight: 50 }, v2: { host: 'a', subset: 'v2', weight: 50 } };

test('a weight is keyed by the shortest name that means one destination', () => {
  assert.deepEqual(keysOf({ host: 'a', subset: 'v1', weight: 1 }, { host: 'a', subset: 'v2', weight: 1 }), [
    'v1',
    'v2',
  ]);
  assert.deepEqual(keysOf({ host: 'a', subset: 'v1', weight: 1 }, { host: 'b', subset: 'v1', weight: 1 }), [
    'a/v1',
    'b/v1',
  ]);
  assert.deepEqual(keysOf({ host: 'a', weight: 1 }, { host: 'b', weight: 1 }, { host: 'b', subset: 'v1', weight: 1 }), [
    'a',
    'b',
    'v1',
  ]);
  const ports = [1, 2].map((number) => ({ host: 'a', subset: 'v1', port: { number }, weight: 1 }));
  assert.deepEqual(keysOf(...ports), ['a/v1:1', 'a/v1:2']);
  assert.deepEqual(keysOf(...[1, 2].map((number) => ({ host: 'a', port: { number }, weight: 1 }))), ['a:1', 'a:2']);
  assert.deepEqual(keysOf({ host: 'v1', weight: 1 }, { host: 'a', subset: 'v1', weight: 1 }), ['v1', 'a/v1']);
  const twice = { host: 'a', subset: 'v1', weight: 1 };
  assert.deepEqual(keysOf(twice, twice), ['a/v1#0', 'a/v1#1']);
});

test('the only rule that splits needs no name', () => {
  const plan = planShift(service({ ...split('home', { a: { host: 'a' } }) }, split('shop', two)), {
    weights: { v1: 90, v2: 10 },
  });
  assert.ok('edits' in plan);
  assert.equal(plan.route.route, 'shop');
  assert.deepEqual(plan.before, { v1: 50, v2: 50 });
  assert.deepEqual(plan.edits, [
    { destination: 0, weight: 90 },
    { destination: 1, weight: 10 },
  ]);
});

test('of several rules that split one is named, by name or index; the refusal lists them', () => {
  const object = service(split('a', two), split(undefined, two), {
    match: [{ uri: { prefix: '/r' } }],
    redirect: { uri: '/' },
  });
  const unnamed = planShift(object, { weights: { v1: 1, v2: 1 } });
  assert.ok('message' in unnamed);
  assert.deepEqual(
    unnamed.routes?.map(({ route }) => route),
    ['a', '1'],
  );
  for (const [wanted, index] of [
    ['a', 0],
    ['0', 0],
    ['1', 1],
  ] as const) {
    const plan = planShift(object, { route: wanted, weights: { v1: 1, v2: 1 } });
    assert.equal('edits' in plan ? plan.route.index : plan.message, index);
  }
  for (const wanted of ['2', 'b', ''])
    assert.ok('message' in planShift(object, { route: wanted, weights: { v1: 1, v2: 1 } }));
});

test('only what differs is edited', () => {
  const plan = planShift(service(split('a', two)), { weights: { v1: 50, v2: 40 } });
  assert.deepEqual('edits' in plan && plan.edits, [{ destination: 1, weight: 40 }]);
});

test('weights that are not the whole vector, unknown, negative, fractional or all zero are refused with the valid keys', () => {
  const cases: [Record<string, number>, RegExp][] = [
    [{ v1: 100 }, /v2 is missing/],
    [{ v1: 50, v2: 50, v3: 0 }, /no destination v3; it has: v1, v2/],
    [{ v1: -1, v2: 2 }, /correct that of v1/],
    [{ v1: 0.5, v2: 2 }, /whole number/],
    [{ v1: Number.NaN, v2: 2 }, /whole number/],
    [{ v1: 0, v2: 0 }, /sum to 0/],
  ];
  for (const [weights, message] of cases) {
    const refused = planShift(service(split('a', two)), { weights });
    assert.ok('message' in refused);
    assert.match(refused.message, message);
    assert.deepEqual(refused.validKeys, ['v1', 'v2']);
  }
});

test('a lone destination has everything', () => {
  const [route] = trafficRoutes(service(split('a', { a: { host: 'a' } })));
  assert.deepEqual(
    route?.destinations.map(({ weight }) => weight),
    [100],
  );
  const plan = planShift(service(split('a', { a: { host: 'a' } })), { weights: { a: 100 } });
  assert.deepEqual('edits' in plan && plan.edits, []);
});
