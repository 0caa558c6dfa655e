import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApiServer } from '#test/kit/api-server/api-server.ts';
import { type AnswerBody, Caller } from '#test/kit/api-server/caller.ts';
import { aVirtualService, VIRTUAL_SERVICES } from './objects.ts';

const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';
const SERVICES = '/api/v1/namespaces/default/services';

describe('server-side apply on the test API server', () => {
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

  const apply = (path: string, body: unknown, manager: string, force = false) =>
    caller.call('PATCH', `${path}?fieldManager=${manager}&force=${force}`, { body, contentType: APPLY });
  const managers = (body: AnswerBody) =>
    (body.metadata.managedFields ?? []).map(({ manager, operation }) => `${manager} ${operation}`);

  it('creates, and changes nothing the second time', async () => {
    const path = `${VIRTUAL_SERVICES}/twice`;
    const first = await apply(path, aVirtualService('twice'), 'one');
    const second = await apply(path, aVirtualService('twice'), 'one');
    assert.deepEqual([first.status, second.status], [201, 200]);
    assert.equal(second.body.metadata.resourceVersion, first.body.metadata.resourceVersion);
    assert.deepEqual(first.body.metadata.managedFields?.[0]?.fieldsV1, { 'f:spec': { 'f:hosts': {}, 'f:http': {} } });
  });

  it('refuses what another manager set differently, and takes it by force', async () => {
    const path = `${VIRTUAL_SERVICES}/contested`;
    await apply(path, aVirtualService('contested', { weight: 100 }), 'one');
    const refused = await apply(path, aVirtualService('contested', { weight: 50 }), 'two');
    assert.deepEqual([refused.status, refused.body.reason], [409, 'Conflict']);
    assert.equal(refused.body.message, 'Apply failed with 1 conflict: conflict with "one": .spec.http');
    const forced = await apply(path, aVirtualService('contested', { weight: 50 }), 'two', true);
    assert.equal(forced.status, 200);
    assert.deepEqual(managers(forced.body), ['one Apply', 'two Apply']);
    assert.equal((await apply(path, aVirtualService('contested', { weight: 100 }), 'one')).status, 409);
  });

  it('conflicts with what a patch changed in between', async () => {
    const path = `${VIRTUAL_SERVICES}/patched`;
    await apply(path, aVirtualService('patched'), 'one');
    const body = { spec: { hosts: ['other.example'] } };
    const patched = await caller.call('PATCH', `${path}?fieldManager=mesh-gateway`, { body, contentType: MERGE });
    assert.deepEqual(managers(patched.body), ['one Apply', 'mesh-gateway Update']);
    const refused = await apply(path, aVirtualService('patched'), 'one');
    assert.match(refused.body.message, /conflict with "mesh-gateway" using networking.istio.io\/v1: \.spec\.hosts/);
  });

  it('drops what a manager no longer says, unless another one says it too', async () => {
    const path = `${VIRTUAL_SERVICES}/labelled`;
    const labelled = (labels: Record<string, string>) => aVirtualService('labelled', { labels });
    await apply(path, labelled({ a: '1', b: '2' }), 'one');
    await apply(path, { ...labelled({ b: '2' }), spec: undefined }, 'two');
    const { body } = await apply(path, labelled({}), 'one');
    assert.deepEqual(body.metadata.labels, { b: '2' });
  });

  it('owns the ports of a Service one by one', async () => {
    const path = `${SERVICES}/ports`;
    const service = (ports: unknown[]) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'ports' },
      spec: { ports },
    });
    await apply(path, service([{ port: 80, name: 'http', protocol: 'TCP' }]), 'one');
    const both = await apply(path, service([{ port: 443, name: 'https', protocol: 'TCP' }]), 'two');
    const portsOf = (body: AnswerBody) => (body['spec'] as { ports: { port: number }[] }).ports.map(({ port }) => port);
    assert.deepEqual(portsOf(both.body), [80, 443]);
    const without = await apply(path, { ...service([]), spec: { type: 'ClusterIP' } }, 'one');
    assert.deepEqual(portsOf(without.body), [443]);
  });

  it('asks for a field manager, and is unknown to an old cluster', async () => {
    const body = aVirtualService('nobody');
    assert.equal((await caller.call('PATCH', `${VIRTUAL_SERVICES}/nobody`, { body, contentType: APPLY })).status, 422);
    const old = await ApiServer.start({ version: '1.12' });
    const client = new Caller(old);
    const path = `${SERVICES}/x?fieldManager=one`;
    assert.equal((await client.call('PATCH', path, { body: {}, contentType: APPLY })).status, 415);
    client.close();
    await old.stop();
  });
});
