import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApiServer } from '#test/kit/api-server/api-server.ts';
import { Caller, take } from '#test/kit/api-server/caller.ts';
import { aConfigMap, aVirtualService, VIRTUAL_SERVICES } from './objects.ts';

const MERGE = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

describe('writes of the test API server', () => {
  let server: ApiServer;
  let caller: Caller;
  before(async () => {
    server = await ApiServer.start();
    caller = new Caller(server);
  });
  after(async () => {
    caller.close();
    await server.stop();
  });

  const create = async (name: string) =>
    (await caller.call('POST', VIRTUAL_SERVICES, { body: aVirtualService(name) })).body;

  it('create once, with identity, revision and generation', async () => {
    const created = await caller.call('POST', VIRTUAL_SERVICES, { body: aVirtualService('once') });
    assert.equal(created.status, 201);
    assert.equal(created.body.metadata.generation, 1);
    assert.match(created.body.metadata.uid ?? '', /^[0-9a-f-]{36}$/);
    const again = await caller.call('POST', VIRTUAL_SERVICES, { body: aVirtualService('once') });
    assert.deepEqual([again.status, again.body.reason], [409, 'AlreadyExists']);
    assert.equal(again.body.message, 'virtualservices.networking.istio.io "once" already exists');
  });

  it('make a name of generateName', async () => {
    const body = { ...aVirtualService('x'), metadata: { generateName: 'made-' } };
    const { body: made } = await caller.call('POST', VIRTUAL_SERVICES, { body });
    assert.match(made.metadata.name, /^made-[a-z0-9]{5}$/);
  });

  it('refuse a namespace that does not exist', async () => {
    const answer = await caller.call('POST', '/api/v1/namespaces/nowhere/configmaps', { body: aConfigMap('x') });
    assert.deepEqual([answer.status, answer.body.message], [404, 'namespaces "nowhere" not found']);
  });

  it('refuse to replace a version that is not the latest', async () => {
    const created = await create('stale');
    const path = `${VIRTUAL_SERVICES}/stale`;
    const changed = { ...created, spec: { hosts: ['b.example'] } };
    assert.equal((await caller.call('PUT', path, { body: changed })).status, 200);
    const late = await caller.call('PUT', path, { body: changed });
    assert.deepEqual([late.status, late.body.reason], [409, 'Conflict']);
    assert.match(late.body.message, /the object has been modified; please apply your changes to the latest version/);
  });

  it('count generations of the spec, not of metadata or status', async () => {
    await create('generations');
    const path = `${VIRTUAL_SERVICES}/generations`;
    const patch = async (suffix: string, body: unknown) =>
      (await caller.call('PATCH', `${path}${suffix}`, { body, contentType: MERGE })).body;
    assert.equal((await patch('', { metadata: { labels: { a: 'b' } } })).metadata.generation, 1);
    assert.equal((await patch('', { spec: { hosts: ['c.example'] } })).metadata.generation, 2);
    const withStatus = await patch('/status', { status: { ok: true }, spec: { hosts: [] } });
    assert.deepEqual([withStatus.metadata.generation, withStatus['status']], [2, { ok: true }]);
    assert.deepEqual(withStatus['spec'], {
      hosts: ['c.example'],
      http: (aVirtualService('generations')['spec'] as { http: unknown }).http,
    });
    assert.deepEqual((await patch('', { status: { ok: false } }))['status'], { ok: true });
  });

  it('take a write that changes nothing for no write', async () => {
    const { metadata } = await create('quiet');
    const body = { spec: { hosts: ['quiet.example'] } };
    const answer = await caller.call('PATCH', `${VIRTUAL_SERVICES}/quiet`, { body, contentType: MERGE });
    assert.equal(answer.body.metadata.resourceVersion, metadata.resourceVersion);
  });

  it('answer a JSON Patch whose test fails with 422, and change nothing', async () => {
    const { metadata } = await create('tested');
    const body = [
      { op: 'test', path: '/spec/http/0/route/0/weight', value: 50 },
      { op: 'replace', path: '/spec/http/0/route/0/weight', value: 10 },
    ];
    const answer = await caller.call('PATCH', `${VIRTUAL_SERVICES}/tested`, { body, contentType: JSON_PATCH });
    assert.deepEqual([answer.status, answer.body.reason], [422, 'Invalid']);
    const now = await caller.call('GET', `${VIRTUAL_SERVICES}/tested`);
    assert.equal(now.body.metadata.resourceVersion, metadata.resourceVersion);
  });

  it('store nothing in a dry run', async () => {
    const answer = await caller.call('POST', `${VIRTUAL_SERVICES}?dryRun=All`, { body: aVirtualService('dry') });
    assert.equal(answer.status, 201);
    assert.equal((await caller.call('GET', `${VIRTUAL_SERVICES}/dry`)).status, 404);
  });

  it('delete under preconditions, and keep what finalizers hold', async () => {
    await create('held');
    const path = `${VIRTUAL_SERVICES}/held`;
    const wrong = await caller.call('DELETE', path, { body: { preconditions: { uid: 'another' } } });
    assert.equal(wrong.status, 409);
    await caller.call('PATCH', path, { body: { metadata: { finalizers: ['a.example/wait'] } }, contentType: MERGE });
    assert.equal((await caller.call('DELETE', path)).status, 200);
    assert.ok((await caller.call('GET', path)).body.metadata.deletionTimestamp);
    await caller.call('PATCH', path, { body: { metadata: { finalizers: null } }, contentType: MERGE });
    assert.equal((await caller.call('GET', path)).status, 404);
  });

  it('serve a kind from its definition until the definition goes', async () => {
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const path = '/apis/a.example/v1/namespaces/default/things';
    assert.equal((await caller.call('GET', path)).status, 404);
    const body = aDefinition();
    assert.equal((await caller.call('POST', definitions, { body })).status, 201);
    const thing = { apiVersion: 'a.example/v1', kind: 'Thing', metadata: { name: 'one' } };
    assert.equal((await caller.call('POST', path, { body: thing })).status, 201);
    const groups = await caller.call('GET', '/apis');
    assert.match(JSON.stringify(groups.body), /a\.example/);
    const watched = take(caller.watch(`${path}?watch=1`), 10);
    assert.equal((await caller.call('DELETE', `${definitions}/things.a.example`)).status, 200);
    assert.equal((await caller.call('GET', path)).status, 404);
    assert.deepEqual(
      (await watched).map((event) => event.type),
      ['ADDED', 'DELETED'],
    );
    await caller.call('POST', definitions, { body });
    assert.deepEqual((await caller.call('GET', path)).body.items, []);
  });

  it('drop fields that a built-in kind does not have, with a warning, and refuse a node port that no cluster has', async () => {
    const path = '/api/v1/namespaces/default/services';
    const service = (spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'known' }, spec });
    const ports = [{ port: 80, targetPort: 'http' }];
    const { body, headers } = await caller.call('POST', path, { body: service({ ports, selektor: { app: 'x' } }) });
    assert.equal((body['spec'] as { selektor?: unknown }).selektor, undefined);
    assert.equal(headers['warning'], '299 - "unknown field \\"spec.selektor\\""');
    const refused = await caller.call('POST', path, {
      body: service({ type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }),
    });
    assert.deepEqual([refused.status, refused.body.reason], [422, 'Invalid']);
  });

  it('ask for a known token', async () => {
    assert.equal((await caller.call('GET', '/api/v1/pods', { token: 'unknown' })).status, 401);
  });
});

function aDefinition() {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.a.example' },
    spec: {
      group: 'a.example',
      names: { plural: 'things', kind: 'Thing' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  };
}
