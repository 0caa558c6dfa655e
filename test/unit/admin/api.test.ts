import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import type { ObjectItem } from '../../../admin/api/object-schema.ts';
import { bearer, errorOf, overTcp, overUnix, startTestAdmin } from './admin-kit.ts';
import { PRIVATE_KEY } from './fake-backend.ts';

const lists = ['listeners', 'routes', 'clusters', 'endpoints', 'certificates', 'problems', 'workers'] as const;

test('every list says which version it shows and has its items', async (t) => {
  const admin = await startTestAdmin(t);
  const lengths: Record<string, number> = {};
  for (const name of lists) {
    const { version, items } = (await overUnix(admin, `/api/v1/${name}`)).json() as {
      version: number;
      items: unknown[];
    };
    assert.equal(version, 7, name);
    lengths[name] = items.length;
  }
  assert.deepEqual(lengths, {
    listeners: 2,
    routes: 5,
    clusters: 2,
    endpoints: 4,
    certificates: 1,
    problems: 2,
    workers: 2,
  });
});

test('before the first snapshot the lists are empty and their version is 0', async (t) => {
  const admin = await startTestAdmin(t);
  admin.backend.served = undefined;
  for (const name of ['listeners', 'routes', 'clusters', 'endpoints', 'certificates']) {
    assert.deepEqual((await overUnix(admin, `/api/v1/${name}`)).json(), { version: 0, items: [] });
  }
});

test('a rule is shown with its matches in words and the share of each destination', async (t) => {
  const admin = await startTestAdmin(t);
  const { items } = (await overUnix(admin, '/api/v1/routes')).json() as { items: Record<string, unknown>[] };
  const [split, redirect, teapot, secure, closed] = items;
  assert.deepEqual(split?.['matches'], [
    'uri prefix /api and header end-user = jason and without header x-bot is present and port 80',
  ]);
  assert.deepEqual(
    ((split?.['destinations'] ?? []) as { subset: string; weight: number; percent: number }[]).map(
      ({ subset, weight, percent }) => [subset, weight, percent],
    ),
    [
      ['v1', 50, 25],
      ['v2', 150, 75],
    ],
  );
  assert.equal(redirect?.['answer'], '301 to new.example/');
  assert.equal(teapot?.['answer'], '418');
  assert.equal(secure?.['answer'], '301 to https, port 31390');
  assert.equal(closed?.['answer'], '403, since AuthorizationPolicy/istio-system/office-only is not enforced here');
});

test('problems come with errors first, certificates with their state', async (t) => {
  const admin = await startTestAdmin(t);
  const problems = (await overUnix(admin, '/api/v1/problems')).json()['items'] as { severity: string }[];
  assert.deepEqual(
    problems.map(({ severity }) => severity),
    ['error', 'info'],
  );
  const [certificate] = (await overUnix(admin, '/api/v1/certificates')).json()['items'] as Record<string, unknown>[];
  assert.equal(certificate?.['state'], 'valid');
  assert.deepEqual(certificate?.['usedBy'], ['default/app-gateway/https']);
});

test('an object is shown with its fate, its problems and what the workers have of it', async (t) => {
  const admin = await startTestAdmin(t);
  const item = (await overUnix(admin, '/api/v1/objects/VirtualService/default/myapp')).json() as ObjectItem;
  assert.equal(item.state, 'quarantined');
  assert.equal(
    item.summary,
    'Its newest version is not taken since 2026-01-03T00:00:00.000Z; its last good version, accepted 2026-01-02T00:00:00.000Z, is served.',
  );
  assert.deepEqual(
    item.problems.map(({ code }) => code),
    ['IST0101'],
  );
  const { served } = item;
  assert.deepEqual(served.hosts, ['*']);
  assert.deepEqual(
    [served.listeners, served.routes, served.clusters, served.endpoints, served.notReady, served.certificates].map(
      ({ length }) => length,
    ),
    [1, 3, 2, 4, 1, 1],
  );
  assert.equal(served.routes[0]?.destinations[1]?.percent, 75);
});

test('an object that is not there is a 404, with what may have been meant', async (t) => {
  const admin = await startTestAdmin(t);
  const answer = await overUnix(admin, '/api/v1/objects/VirtualService/default/myap');
  const { code, message, details } = errorOf(answer);
  assert.deepEqual([answer.status, code], [404, 'not-found']);
  assert.equal(message, 'There is no VirtualService default/myap. Did you mean VirtualService default/myapp?');
  assert.deepEqual(details, { near: { kind: 'VirtualService', namespace: 'default', name: 'myapp' } });
  const wide = errorOf(await overUnix(admin, '/api/v1/objects/Node/-/node-9'));
  assert.equal(wide.message, 'There is no Node node-9.');
});

test('no response holds key material', async (t) => {
  const admin = await startTestAdmin(t);
  for (const name of [...lists, 'status', 'traffic/default/myapp', 'objects/VirtualService/default/myapp']) {
    const { text } = await overUnix(admin, `/api/v1/${name}`);
    assert.ok(
      !text.includes('PRIVATE') && !text.includes('privateKey') && !text.includes(PRIVATE_KEY.slice(28, 40)),
      name,
    );
  }
});

test('HEAD is GET without a body; other methods and paths get one error shape', async (t) => {
  const admin = await startTestAdmin(t);
  const head = await overUnix(admin, '/api/v1/status', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [200, '']);
  for (const [method, target, status, code, allow] of [
    ['DELETE', '/api/v1/status', 405, 'method-not-allowed', 'GET, HEAD'],
    ['POST', '/api/v1/traffic/default/myapp', 405, 'method-not-allowed', 'GET, HEAD, PUT'],
    ['OPTIONS', '/api/v1/routes', 405, 'method-not-allowed', 'GET, HEAD'],
    ['GET', '/api/v1/nothing', 404, 'not-found', undefined],
    ['GET', '/', 404, 'not-found', undefined],
    ['GET', '/api/v1/traffic/default', 404, 'not-found', undefined],
    ['GET', '/api/v1/%zz', 400, 'bad-request', undefined],
    ['GET', '/api/v1/traffic/default/other', 404, 'not-found', undefined],
    ['GET', '/api/v1/traffic/..%2f..%2fetc/passwd', 404, 'not-found', undefined],
  ] as const) {
    const reply = await overUnix(admin, target, { method });
    assert.equal(reply.status, status, `${method} ${target}`);
    assert.equal(errorOf(reply).code, code);
    assert.ok(errorOf(reply).message.length > 0);
    assert.equal(reply.headers.allow, allow);
    assert.match(reply.headers['content-type'] ?? '', /^application\/json/);
  }
});

const PATH = '/api/v1/traffic/default/myapp';
const badBodies: readonly (readonly [name: string, body: unknown, status: number, message: RegExp])[] = [
  [
    'a negative weight',
    { weights: { v1: -1, v2: 101 } },
    422,
    /weights\.v1 must be a whole number from 0 to 2147483647, not -1/,
  ],
  ['a fraction', { weights: { v1: 0.5, v2: 1 } }, 422, /weights\.v1 must be a whole number .* not 0\.5/],
  ['a string', { weights: { v1: '90', v2: 10 } }, 422, /weights\.v1 .* not "90"/],
  ['null', { weights: { v1: null, v2: 10 } }, 422, /weights\.v1 .* not null/],
  ['a boolean', { weights: { v1: true } }, 422, /weights\.v1 .* not true/],
  ['a list', { weights: { v1: [90] } }, 422, /weights\.v1 .* not \[90\]/],
  ['a huge number', { weights: { v1: 1e300 } }, 422, /weights\.v1 must be a whole number/],
  ['no weights', {}, 422, /weights is missing/],
  ['empty weights', { weights: {} }, 422, /weights is empty: give a weight for every destination/],
  ['an empty key', { weights: { '': 1 } }, 422, /empty key/],
  ['weights that are a list', { weights: [90, 10] }, 422, /weights must be an object/],
  ['weights that sum to 0', { weights: { v1: 0, v2: 0 } }, 422, /sum to 0/],
  ['an unknown property', { weights: { v1: 1 }, wieghts: {} }, 422, /wieghts is not a known property/],
  [
    'a route of another type',
    { weights: { v1: 1 }, route: true },
    422,
    /route must be the name of a rule, or its index/,
  ],
  ['a negative index', { weights: { v1: 1 }, route: -1 }, 422, /route must be/],
  ['a reason that is no text', { weights: { v1: 1 }, reason: 5 }, 422, /reason must be a string/],
  ['a body that is a list', [1], 422, /the body must be an object/],
  ['a body that is a string', '"v1=90"', 422, /the body must be an object/],
  ['no JSON', '{weights', 400, /JSON/],
  ['an empty body', '', 400, /empty/],
  ['a poisoned prototype', '{"weights":{"__proto__":{"x":1}}}', 400, /.+/],
  ['a body too large', { weights: { v1: 1 }, reason: 'x'.repeat(70_000) }, 413, /.+/],
];

for (const [name, body, status, message] of badBodies) {
  test(`a shift with ${name} is refused with ${status} and changes nothing`, async (t) => {
    const admin = await startTestAdmin(t);
    const reply = await overTcp(admin, PATH, { method: 'PUT', headers: bearer(admin), body });
    assert.equal(reply.status, status, reply.text);
    assert.match(errorOf(reply).message, message);
    assert.deepEqual(admin.backend.shifts, []);
  });
}

test('all faults of a body are told at once', async (t) => {
  const admin = await startTestAdmin(t);
  const reply = await overUnix(admin, PATH, { method: 'PUT', body: { weights: { v1: -1, v2: 'x' }, extra: 1 } });
  assert.equal(((errorOf(reply).details?.['reasons'] ?? []) as string[]).length, 3, reply.text);
});

test('a body that is not JSON by its type is refused', async (t) => {
  const admin = await startTestAdmin(t);
  const reply = await overUnix(admin, PATH, {
    method: 'PUT',
    headers: { 'content-type': 'text/plain' },
    body: 'v1=90',
  });
  assert.deepEqual([reply.status, errorOf(reply).code], [415, 'unsupported-media-type']);
});

test('a shift reaches the backend as it was asked and answers what is served', async (t) => {
  const admin = await startTestAdmin(t);
  const body = { weights: { v1: 90, v2: 10 }, route: 0, reason: 'canary' };
  const reply = await overTcp(admin, PATH, { method: 'PUT', headers: bearer(admin), body });
  assert.equal(reply.status, 200);
  assert.equal(reply.headers.etag, '"90-10"');
  assert.deepEqual(reply.json(), {
    namespace: 'default',
    virtualService: 'myapp',
    route: '0',
    before: { v1: 50, v2: 50 },
    weights: { v1: 90, v2: 10 },
    changed: true,
    etag: '"90-10"',
    version: 8,
    node: 'node-1',
    workers: [0, 1],
    source: 'app.yaml',
    warnings: [],
  });
  const [request] = admin.backend.shifts;
  assert.deepEqual(
    { ...request, weights: { ...request?.weights } },
    {
      namespace: 'default',
      virtualService: 'myapp',
      route: '0',
      weights: { v1: 90, v2: 10 },
      reason: 'canary',
      actor: { via: 'token', address: '127.0.0.1' },
    },
  );
  assert.match(admin.log.lines.join(), /traffic shifted/);
});

test('a shift over the unix socket says so to the backend', async (t) => {
  const admin = await startTestAdmin(t);
  await overUnix(admin, PATH, { method: 'PUT', body: { weights: { v1: 90, v2: 10 } } });
  assert.deepEqual(admin.backend.shifts[0]?.actor, { via: 'unix-socket' });
});

test('If-Match shifts only the version that was read; If-None-Match saves reading it again', async (t) => {
  const admin = await startTestAdmin(t);
  const etag = (await overUnix(admin, PATH)).headers.etag ?? '';
  assert.equal(etag, '"50-50"');
  assert.equal((await overUnix(admin, PATH, { headers: { 'if-none-match': etag } })).status, 304);
  const shift = (ifMatch: string, v1: number) =>
    overUnix(admin, PATH, { method: 'PUT', headers: { 'if-match': ifMatch }, body: { weights: { v1, v2: 100 - v1 } } });
  assert.equal((await shift(`"other", ${etag}`, 60)).status, 200);
  const stale = await shift(etag, 70);
  assert.deepEqual([stale.status, errorOf(stale).code, stale.headers.etag], [412, 'precondition-failed', '"60-40"']);
  assert.equal((await shift('W/"60-40"', 70)).status, 412, 'a weak tag never matches strongly');
  assert.equal((await shift('*', 70)).status, 200);
  assert.equal((await shift('60-40', 70)).status, 400);
  assert.equal((await overUnix(admin, PATH, { headers: { 'if-none-match': etag } })).status, 200);
});

for (const [kind, status] of [
  ['not-found', 404],
  ['invalid', 422],
  ['precondition-failed', 412],
  ['conflict', 409],
  ['not-writable', 403],
  ['timeout', 504],
] as const) {
  test(`a refusal of kind ${kind} is ${status} with the backend's own words`, async (t) => {
    const admin = await startTestAdmin(t);
    admin.backend.refusal = {
      ok: false,
      kind,
      message: 'because',
      validKeys: ['v1', 'v2'],
      version: 9,
      servedVersion: 8,
    };
    const reply = await overUnix(admin, PATH, { method: 'PUT', body: { weights: { v1: 1 } } });
    assert.equal(reply.status, status);
    assert.deepEqual(errorOf(reply), {
      code: kind,
      message: 'because',
      details: { validKeys: ['v1', 'v2'], version: 9, servedVersion: 8 },
    });
  });
}

test('a defect is a 500 that keeps its details to the log', async (t) => {
  const admin = await startTestAdmin(t);
  admin.backend.failure = new Error('inner detail');
  const reply = await overUnix(admin, PATH, { method: 'PUT', body: { weights: { v1: 1 } } });
  assert.deepEqual([reply.status, errorOf(reply).code], [500, 'internal']);
  assert.ok(!reply.text.includes('inner detail'));
});

test('a client that stalls does not keep the server from closing', async (t) => {
  const admin = await startTestAdmin(t);
  const stalled = net.connect(admin.port, '127.0.0.1');
  stalled.on('error', () => {}).resume();
  stalled.write('PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n');
  await overUnix(admin, '/api/v1/status');
  const closed = once(stalled, 'close');
  await admin.server.close();
  await closed;
  await assert.rejects(overUnix(admin, '/api/v1/status'));
});
