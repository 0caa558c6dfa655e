import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApiServer } from '#test/kit/api-server/api-server.ts';
import { Caller } from '#test/kit/api-server/caller.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

describe('discovery of the test API server', () => {
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

  type Group = { name: string; preferredVersion: { version: string }; versions: { version: string }[] };
  type Resource = { name: string; kind: string; namespaced: boolean; verbs: string[] };

  it('names groups with their versions, the preferred one first', async () => {
    const { body } = await caller.call('GET', '/apis');
    const group = (body['groups'] as Group[]).find(({ name }) => name === 'networking.istio.io');
    assert.equal(group?.preferredVersion.version, 'v1');
    assert.deepEqual(
      group.versions.map(({ version }) => version),
      ['v1', 'v1beta1', 'v1alpha3'],
    );
  });

  it('names the resources of a version, with subresources and what may be done', async () => {
    const { body } = await caller.call('GET', '/apis/networking.istio.io/v1beta1');
    const resources = body['resources'] as Resource[];
    assert.ok(resources.some(({ name }) => name === 'virtualservices/status'));
    const found = resources.find(({ name }) => name === 'virtualservices');
    assert.deepEqual([found?.kind, found?.namespaced, found?.verbs.includes('watch')], ['VirtualService', true, true]);
    const core = (await caller.call('GET', '/api/v1')).body['resources'] as Resource[];
    assert.ok(core.some(({ name }) => name === 'serviceaccounts/token'));
  });

  it('says all of it at once to a client that asks for that, and not in an old cluster', async () => {
    const { body, headers } = await caller.call('GET', '/apis', { accept: AGGREGATED });
    assert.equal(body.kind, 'APIGroupDiscoveryList');
    assert.match(headers['content-type'] ?? '', /as=APIGroupDiscoveryList/);
    const old = await ApiServer.start({ version: '1.20' });
    const client = new Caller(old);
    assert.equal((await client.call('GET', '/apis', { accept: AGGREGATED })).body.kind, 'APIGroupList');
    assert.equal((await client.call('GET', '/apis/discovery.k8s.io/v1beta1')).status, 200);
    assert.equal((await client.call('GET', '/apis/discovery.k8s.io/v1')).status, 404);
    client.close();
    await old.stop();
  });

  it('answers an unknown path in plain text, as nobody is there to make a Status', async () => {
    const { status, headers, body } = await caller.call('GET', '/apis/nobody.example/v1/things');
    assert.deepEqual([status, body.message], [404, '404 page not found\n']);
    assert.match(headers['content-type'] ?? '', /^text\/plain/);
  });
});
