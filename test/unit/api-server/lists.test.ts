import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApiServer } from '#test/kit/api-server/api-server.ts';
import { type Answer, Caller } from '#test/kit/api-server/caller.ts';
import { aConfigMap } from './objects.ts';

const PATH = '/api/v1/namespaces/paged/configmaps';

describe('lists of the test API server', () => {
  let server: ApiServer;
  let caller: Caller;
  before(async () => {
    server = await ApiServer.start();
    caller = new Caller(server);
    for (const name of ['a', 'b', 'c', 'd', 'e']) server.apply(inPaged(name));
  });
  after(async () => {
    caller.close();
    await server.stop();
  });

  const names = (answer: Answer) => answer.body.items.map((item) => item.metadata.name);
  const continued = (answer: Answer) => `${PATH}?limit=2&continue=${String(answer.body.metadata['continue'])}`;

  it('show one snapshot on all their pages, whatever changes meanwhile', async () => {
    const first = await caller.call('GET', `${PATH}?limit=2`);
    server.delete(inPaged('c'));
    server.apply(inPaged('aa'));
    const second = await caller.call('GET', continued(first));
    const third = await caller.call('GET', continued(second));
    assert.deepEqual([names(first), names(second), names(third)], [['a', 'b'], ['c', 'd'], ['e']]);
    assert.equal(first.body.metadata['remainingItemCount'], 3);
    assert.equal(third.body.metadata['continue'], undefined);
    assert.equal(third.body.metadata.resourceVersion, first.body.metadata.resourceVersion);
    server.apply(inPaged('c'));
    server.delete(inPaged('aa'));
  });

  it('answer 410 to a token of a compacted snapshot, with a token to go on inconsistently', async () => {
    const first = await caller.call('GET', `${PATH}?limit=2`);
    server.compact();
    const late = await caller.call('GET', continued(first));
    assert.equal(late.status, 410);
    assert.equal(late.body.reason, 'Expired');
    assert.deepEqual(names(await caller.call('GET', continued(late))), ['c', 'd']);
  });

  it('answer resourceVersion 0 whole, whatever the limit', async () => {
    const answer = await caller.call('GET', `${PATH}?limit=2&resourceVersion=0`);
    assert.equal(answer.body.items.length, 5);
  });

  it('show an exact past revision, and refuse one of the future', async () => {
    const past = server.resourceVersion;
    server.apply(inPaged('f'));
    const exact = await caller.call('GET', `${PATH}?resourceVersion=${past}&resourceVersionMatch=Exact`);
    assert.equal(exact.body.items.length, 5);
    assert.equal((await caller.call('GET', `${PATH}?resourceVersion=${past}`)).body.items.length, 6);
    assert.equal((await caller.call('GET', `${PATH}?resourceVersion=999999999`)).status, 504);
    server.delete(inPaged('f'));
  });

  it('select by labels and fields', async () => {
    server.apply({
      ...aConfigMap('x', {}, { tier: 'edge' }),
      metadata: { name: 'x', namespace: 'paged', labels: { tier: 'edge' } },
    });
    const select = async (query: string) => names(await caller.call('GET', `${PATH}?${query}`));
    assert.deepEqual(await select('labelSelector=tier%3Dedge'), ['x']);
    assert.deepEqual(await select('labelSelector=tier'), ['x']);
    assert.deepEqual(await select('labelSelector=tier+in+(edge,core)'), ['x']);
    assert.equal((await select('labelSelector=!tier')).length, 5);
    assert.equal((await select('labelSelector=tier+notin+(edge),tier!=core')).length, 5);
    assert.deepEqual(await select('fieldSelector=metadata.name%3Dd'), ['d']);
    server.delete({ ...aConfigMap('x'), metadata: { name: 'x', namespace: 'paged' } });
  });

  it('leave kind and apiVersion out of the items of built-in kinds alone', async () => {
    assert.equal((await caller.call('GET', PATH)).body.items[0]?.kind, undefined);
    const definitions = await caller.call('GET', '/apis/networking.istio.io/v1beta1/virtualservices');
    assert.equal(definitions.body.kind, 'VirtualServiceList');
  });
});

function inPaged(name: string) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'paged' } };
}
