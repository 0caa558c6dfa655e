import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiRequest } from '#gateway/control/kubernetes/api-client.ts';
import { ApiError } from '#gateway/control/kubernetes/api-error.ts';
import { eventually } from '#test/kit/eventually.ts';
import { ClusterRoad, clientOf, order, SHOP, shopServer, weightsIn } from './cluster-kit.ts';

test('new weights are in the cluster, by our field manager, and served when the answer comes', async (context) => {
  const server = await shopServer(context);
  const client = clientOf(context, server);
  const sent: ApiRequest[] = [];
  const api = {
    request: <T>(request: ApiRequest): Promise<T> => {
      sent.push(request);
      return client.request<T>(request);
    },
  };
  const road = await new ClusterRoad(context, server, api).ready();
  const before = road.shifter.traffic('default', 'shop');
  const done = await road.shifter.shift(order({ v1: 90, v2: 10 }, { ifMatch: [before?.etag ?? ''] }));
  assert.ok(done.ok, JSON.stringify(done));
  assert.deepEqual(weightsIn(server), { v1: 90, v2: 10 });
  assert.equal(done.etag, road.shifter.traffic('default', 'shop')?.etag);
  assert.equal(done.source, 'cluster:/apis/networking.istio.io/v1/namespaces/default/virtualservices/shop');
  const host = road.publisher.served?.virtualHosts['http.31380|shop.example'];
  assert.ok(host?.routes[0]?.action.kind === 'forward');
  assert.deepEqual(
    host.routes[0].action.destinations.map(({ weight }) => weight),
    [90, 10],
  );
  const [patch] = sent;
  assert.deepEqual([sent.length, patch?.query], [1, { fieldManager: 'mesh-gateway' }]);
  assert.deepEqual(
    ((patch?.body ?? []) as { op: string; path: string }[]).map(({ op, path }) => `${op} ${path}`),
    [
      'test /spec',
      'test /spec/http/0/route',
      'replace /spec/http/0/route/0/weight',
      'replace /spec/http/0/route/1/weight',
    ],
  );
});

test('a weight that is not written is added; nothing else of the object changes', async (context) => {
  const server = await shopServer(context);
  const route = [
    { destination: { host: 'shop', subset: 'v1' }, headers: { request: { set: { a: '<&>' } } } },
    { destination: { host: 'shop', subset: 'v2' }, weight: 100 },
  ];
  server.patch(SHOP, { spec: { http: [{ name: 'main', match: [{ uri: { regex: '<a&b>' } }], route }] } });
  const road = await new ClusterRoad(context, server, clientOf(context, server)).ready();
  const done = await road.shifter.shift(order({ v1: 30, v2: 70 }));
  assert.ok(done.ok, JSON.stringify(done));
  const { spec } = server.object(SHOP) as unknown as { spec: { http: unknown[] } };
  assert.deepEqual(spec.http, [
    {
      name: 'main',
      match: [{ uri: { regex: '<a&b>' } }],
      route: [
        { ...route[0], weight: 30 },
        { ...route[1], weight: 70 },
      ],
    },
  ]);
});

test('weights that somebody else has set meanwhile are a conflict that names old and new, and are left', async (context) => {
  const server = await shopServer(context);
  const road = await new ClusterRoad(context, server, clientOf(context, server)).ready();
  const etag = road.shifter.traffic('default', 'shop')?.etag ?? '';
  setWeights(server, 70, 30);
  const refused = await road.shifter.shift(order({ v1: 90, v2: 10 }));
  assert.ok(!refused.ok && refused.kind === 'conflict', JSON.stringify(refused));
  assert.match(refused.message, /v1 is 70 now and was 50, v2 is 30 now and was 50/);
  assert.deepEqual(refused.current, { v1: 70, v2: 30 });
  const precondition = await road.shifter.shift(order({ v1: 90, v2: 10 }, { ifMatch: [etag] }));
  assert.equal(!precondition.ok && precondition.kind, 'precondition-failed');
  assert.deepEqual(weightsIn(server), { v1: 70, v2: 30 });
});

test('with an entity tag another change of the object is enough to refuse; without one only the rule counts', async (context) => {
  const server = await shopServer(context);
  const road = await new ClusterRoad(context, server, clientOf(context, server)).ready();
  const etag = road.shifter.traffic('default', 'shop')?.etag ?? '';
  server.patch(SHOP, { spec: { hosts: ['shop.example', 'shop2.example'] } });
  const refused = await road.shifter.shift(order({ v1: 90, v2: 10 }, { ifMatch: [etag] }));
  assert.equal(!refused.ok && refused.kind, 'precondition-failed', JSON.stringify(refused));
  assert.match(refused.ok ? '' : refused.message, /elsewhere other things than the weights differ/);
  const done = await road.shifter.shift(order({ v1: 90, v2: 10 }));
  assert.ok(done.ok, JSON.stringify(done));
  assert.deepEqual(weightsIn(server), { v1: 90, v2: 10 });
});

const changes: readonly [string, unknown, RegExp][] = [
  [
    'destinations in another order',
    [entry('v2', 50), entry('v1', 50)],
    /or elsewhere other things than the weights differ/,
  ],
  ['one destination more', [entry('v1', 50), entry('v2', 50), entry('v3', 0)], /destination v3 \(0\) is new/],
  ['one destination less', [entry('v1', 50)], /destination v2 \(50\) is gone/],
];
for (const [what, route, expected] of changes)
  test(`${what} than what was decided on is a conflict, though the numbers would fit`, async (context) => {
    const server = await shopServer(context);
    const road = await new ClusterRoad(context, server, clientOf(context, server)).ready();
    server.patch(SHOP, { spec: { http: [{ route }] } });
    const refused = await road.shifter.shift(order({ v1: 90, v2: 10 }));
    assert.ok(!refused.ok && refused.kind === 'conflict');
    assert.match(refused.message, expected);
    assert.equal(server.object(SHOP)?.metadata.generation, 2);
  });

test('a rule that was put before the one that was meant is not shifted in its place', async (context) => {
  const server = await shopServer(context);
  const road = await new ClusterRoad(context, server, clientOf(context, server)).ready();
  const route = [entry('v1', 50), entry('v2', 50)];
  server.patch(SHOP, { spec: { http: [{ match: [{ uri: { prefix: '/new' } }], route }, { route }] } });
  const road2 = await new ClusterRoad(context, server, clientOf(context, server)).ready();
  server.patch(SHOP, { spec: { http: [{ match: [{ uri: { prefix: '/other' } }], route }, { route }] } });
  const refused = await road2.shifter.shift(order({ v1: 90, v2: 10 }, { route: '0' }));
  assert.ok(!refused.ok && refused.kind === 'conflict');
  assert.ok(road.shifter.traffic('default', 'shop'));
});

test('a rule with a name is found again where it is now, though another one was put before it', async (context) => {
  const server = await shopServer(context);
  const main = { name: 'main', route: [entry('v1', 50), entry('v2', 50)] };
  server.patch(SHOP, { spec: { http: [main] } });
  const road = await new ClusterRoad(context, server, clientOf(context, server)).ready();
  const fresh = { name: 'new', match: [{ uri: { prefix: '/new' } }], route: [entry('v1', 50), entry('v2', 50)] };
  server.patch(SHOP, { spec: { http: [fresh, main] } });
  const done = await road.shifter.shift(order({ v1: 90, v2: 10 }, { route: 'main' }));
  assert.ok(done.ok, JSON.stringify(done));
  const { spec } = server.object(SHOP) as unknown as { spec: { http: unknown[] } };
  assert.deepEqual(spec.http, [fresh, { name: 'main', route: [entry('v1', 90), entry('v2', 10)] }]);
});

test('of shifts from two nodes at once exactly one is done, and the other is a conflict', async (context) => {
  const server = await shopServer(context);
  const roads = await Promise.all(
    [1, 2].map((node) => new ClusterRoad(context, server, clientOf(context, server), `edge-${node}`).ready()),
  );
  for (let round = 1; round <= 20; round += 1) {
    const wanted = [
      { v1: round, v2: 100 - round },
      { v1: 100 - round, v2: round },
    ] as const;
    const results = await Promise.all(roads.map((road, index) => road.shifter.shift(order({ ...wanted[index] }))));
    const winners = results.flatMap((result, index) => (result.ok ? [index] : []));
    assert.equal(winners.length, 1, JSON.stringify(results));
    assert.deepEqual(weightsIn(server), wanted[winners[0] as 0 | 1]);
    const loser = results[1 - (winners[0] ?? 0)];
    assert.ok(loser && !loser.ok && loser.kind === 'conflict');
    for (const road of roads) await road.ready();
  }
});

test('weights that a worker refuses are taken back, and only if nobody has written since', async (context) => {
  const server = await shopServer(context);
  const road = await new ClusterRoad(context, server, clientOf(context, server)).ready();
  road.answer = () =>
    Promise.resolve({ kind: 'refused', unit: 'virtualHosts/http.31380|shop.example', reason: 'out of memory' });
  const refused = await road.shifter.shift(order({ v1: 60, v2: 40 }));
  assert.ok(!refused.ok && refused.kind === 'conflict');
  assert.match(refused.message, /The weights in the cluster are as they were before.*out of memory/);
  assert.deepEqual(weightsIn(server), { v1: 50, v2: 50 });
});

test('a change that comes right after ours is told as such', async (context) => {
  const server = await shopServer(context);
  const road = await new ClusterRoad(context, server, clientOf(context, server)).ready();
  const pending = road.shifter.shift(order({ v1: 60, v2: 40 }));
  road.watches = false;
  await eventually(() => server.object(SHOP)?.metadata.generation !== 1);
  setWeights(server, 1, 99);
  road.look();
  const refused = await pending;
  assert.ok(!refused.ok && refused.kind === 'conflict');
  assert.match(refused.message, /changed by somebody else right after/);
  assert.deepEqual(weightsIn(server), { v1: 1, v2: 99 });
});

test('what the API server refuses or cannot do is said in words that help', async (context) => {
  const server = await shopServer(context);
  const failure: { error: ApiError | undefined } = { error: undefined };
  const client = clientOf(context, server);
  const api = {
    request: <T>(request: ApiRequest): Promise<T> =>
      failure.error === undefined || request.method === 'GET'
        ? client.request<T>(request)
        : Promise.reject(failure.error),
  };
  const road = await new ClusterRoad(context, server, api).ready();
  const cases: [number, string, string, string, RegExp][] = [
    [403, 'Forbidden', 'virtualservices is forbidden', 'not-writable', /verb patch on virtualservices/],
    [
      403,
      'Forbidden',
      'admission webhook "policy" denied the request: no',
      'not-writable',
      /refuses the new weights: admission/,
    ],
    [422, 'Invalid', 'spec.http: weight too large', 'not-writable', /refuses the new weights: spec.http/],
    [409, 'Conflict', 'the object has been modified', 'conflict', /changed by others all the time/],
    [0, 'Unreachable', 'connection refused', 'unavailable', /Nothing was written/],
    [0, 'Timeout', 'no answer in time', 'unavailable', /Whether the weights were written is not known/],
    [503, 'ServiceUnavailable', 'etcd is down', 'unavailable', /not known/],
    [429, 'TooManyRequests', 'slow down', 'unavailable', /Nothing was written/],
  ];
  for (const [status, reason, message, kind, expected] of cases) {
    failure.error = new ApiError({ status, reason, message });
    const refused = await road.shifter.shift(order({ v1: 60, v2: 40 }));
    assert.equal(!refused.ok && refused.kind, kind, JSON.stringify(refused));
    assert.match(!refused.ok ? refused.message : '', expected);
  }
  failure.error = undefined;
  server.delete(SHOP);
  const gone = await road.shifter.shift(order({ v1: 60, v2: 40 }));
  assert.match(!gone.ok ? gone.message : '', /was deleted meanwhile/);
});

test('weights whose answer was lost are looked for: written is written, and what is not known is said', async (context) => {
  const server = await shopServer(context);
  const client = clientOf(context, server);
  const lost: { how: 'after' | 'before' | 'blind' | undefined } = { how: undefined };
  const api = {
    request: async <T>(request: ApiRequest): Promise<T> => {
      if (lost.how === undefined || (request.method === 'GET' && lost.how !== 'blind'))
        return client.request<T>(request);
      if (lost.how === 'after') await client.request<T>(request);
      throw new ApiError({ status: lost.how === 'after' ? 500 : 0, reason: 'Timeout', message: 'no answer in time' });
    },
  };
  const road = await new ClusterRoad(context, server, api).ready();
  lost.how = 'after';
  const done = await road.shifter.shift(order({ v1: 90, v2: 10 }));
  assert.ok(done.ok, JSON.stringify(done));
  assert.deepEqual(weightsIn(server), { v1: 90, v2: 10 });
  for (const [how, seen] of [
    ['before', /the object does not have them now; they may still arrive\. Shift again/],
    ['blind', /the object cannot be looked at now; they may still arrive/],
  ] as const) {
    lost.how = how;
    const refused = await road.shifter.shift(order({ v1: 80, v2: 20 }));
    assert.ok(!refused.ok && refused.kind === 'unavailable', JSON.stringify(refused));
    assert.match(refused.message, seen);
  }
  lost.how = undefined;
  assert.ok((await road.shifter.shift(order({ v1: 80, v2: 20 }))).ok);
});

test('weights that would lead to a subset without endpoints are not written, and the refusal says what is missing', async (context) => {
  const server = await shopServer(context);
  setWeights(server, 100, 0);
  server.delete({ apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'shop-v2' } });
  const road = await new ClusterRoad(context, server, clientOf(context, server)).ready();
  const before = server.object(SHOP)?.metadata.resourceVersion;
  const refused = await road.shifter.shift(order({ v1: 90, v2: 10 }));
  assert.ok(!refused.ok && refused.kind === 'conflict', JSON.stringify(refused));
  assert.match(refused.message, /Nothing was written.*outbound\|80\|v2\|shop\S* has no ready endpoint\./);
  assert.equal(server.object(SHOP)?.metadata.resourceVersion, before);
  assert.equal(road.publisher.newest.version, 1, 'nothing was published for the asking');
});

test('a watch that does not bring the new weights makes it a timeout', async (context) => {
  const server = await shopServer(context);
  const road = await new ClusterRoad(context, server, clientOf(context, server)).ready();
  road.watches = false;
  const late = await road.shifter.shift(order({ v1: 60, v2: 40 }));
  assert.ok(!late.ok && late.kind === 'timeout', JSON.stringify(late));
  assert.deepEqual(weightsIn(server), { v1: 60, v2: 40 });
});

test('an object that Argo CD or Flux manages warns in the view and with the answer', async (context) => {
  const server = await shopServer(context);
  server.patch(SHOP, {
    metadata: {
      annotations: { 'argocd.argoproj.io/tracking-id': 'shop:networking.istio.io/VirtualService:default/shop' },
    },
  });
  const road = await new ClusterRoad(context, server, clientOf(context, server)).ready();
  assert.match(road.shifter.traffic('default', 'shop')?.warnings[0] ?? '', /Argo CD \(application shop\)/);
  const done = await road.shifter.shift(order({ v1: 60, v2: 40 }));
  assert.match((done.ok && done.warnings[0]) || '', /docs\/gitops\.md/);
});

function entry(subset: string, weight: number): object {
  return { destination: { host: 'shop', subset }, weight };
}

function setWeights(server: Parameters<typeof weightsIn>[0], v1: number, v2: number): void {
  server.patch(SHOP, { spec: { http: [{ route: [entry('v1', v1), entry('v2', v2)] }] } });
}
