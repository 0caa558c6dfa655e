import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApiServer } from '#test/kit/api-server/api-server.ts';
import { Caller, take } from '#test/kit/api-server/caller.ts';
import { aConfigMap, aVirtualService, VIRTUAL_SERVICES } from './objects.ts';

const PATH = '/api/v1/namespaces/default/configmaps';

describe('watches of the test API server', () => {
  let server: ApiServer;
  let caller: Caller;
  before(async () => {
    server = await ApiServer.start({ bookmarkIntervalMs: 20 });
    caller = new Caller(server);
  });
  after(async () => {
    caller.close();
    await server.stop();
  });

  it('tell everything after the asked revision, once and in order', async () => {
    const from = server.resourceVersion;
    server.apply(aConfigMap('one'));
    const watch = take(caller.watch(`${PATH}?watch=true&resourceVersion=${from}`), 3);
    server.apply(aConfigMap('one', { a: '1' }));
    server.delete(aConfigMap('one'));
    const events = await watch;
    assert.deepEqual(
      events.map((event) => event.type),
      ['ADDED', 'MODIFIED', 'DELETED'],
    );
    const revisions = events.map((event) => Number(event.object.metadata.resourceVersion));
    assert.deepEqual(
      revisions,
      revisions.toSorted((a, b) => a - b),
    );
    assert.deepEqual(events[2]?.object['data'], { a: '1' });
  });

  it('begin with all objects when no revision is asked for', async () => {
    server.apply(aConfigMap('two'));
    const [event] = await take(caller.watch(`${PATH}?watch=1`), 1);
    assert.deepEqual([event?.type, event?.object.metadata.name], ['ADDED', 'two']);
    server.delete(aConfigMap('two'));
  });

  it('tell of an object that leaves the selection as deleted, and of one that enters as added', async () => {
    const from = server.resourceVersion;
    const watch = take(caller.watch(`${PATH}?watch=1&resourceVersion=${from}&labelSelector=in%3Dyes`), 2);
    server.apply(aConfigMap('three', {}, { in: 'no' }));
    server.apply(aConfigMap('three', {}, { in: 'yes' }));
    server.apply(aConfigMap('three', {}, { in: 'no' }));
    assert.deepEqual(
      (await watch).map((event) => event.type),
      ['ADDED', 'DELETED'],
    );
    server.delete(aConfigMap('three'));
  });

  it('carry bookmarks of the whole cluster to whoever allows them', async () => {
    const path = `${PATH}?watch=1&allowWatchBookmarks=true&resourceVersion=${server.resourceVersion}`;
    server.apply(aVirtualService('elsewhere'));
    const [event] = await take(caller.watch(path), 1);
    assert.equal(event?.type, 'BOOKMARK');
    assert.equal(event.object.kind, 'ConfigMap');
    assert.equal(event.object.metadata.resourceVersion, server.resourceVersion);
  });

  it('answer a forgotten revision with an ERROR event of 410', async () => {
    const from = server.resourceVersion;
    server.compact();
    const [event] = await take(caller.watch(`${PATH}?watch=1&resourceVersion=${from}`), 1);
    assert.deepEqual([event?.type, event?.object.code, event?.object.reason], ['ERROR', 410, 'Expired']);
  });

  it('end after timeoutSeconds', async () => {
    const path = `${PATH}?watch=1&timeoutSeconds=1&resourceVersion=${server.resourceVersion}`;
    const events = await take(caller.watch(path), 1_000);
    assert.deepEqual(events, []);
  });

  it('show every served version of a custom resource', async () => {
    const from = server.resourceVersion;
    const path = VIRTUAL_SERVICES.replace('/v1/', '/v1alpha3/');
    const watch = take(caller.watch(`${path}?watch=1&resourceVersion=${from}`), 1);
    server.apply(aVirtualService('versions'));
    assert.equal((await watch)[0]?.object.apiVersion, 'networking.istio.io/v1alpha3');
  });
});
