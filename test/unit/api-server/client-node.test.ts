/** Another client than ours and kubectl: what the official one for JavaScript sees is what the server has. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CoreV1Api, CustomObjectsApi, KubeConfig, type KubernetesObject, Watch } from '@kubernetes/client-node';
import { ApiServer } from '#test/kit/api-server/api-server.ts';
import type { KubeObject } from '#test/kit/api-server/kube-object.ts';
import { eventually } from '#test/kit/eventually.ts';
import { aVirtualService } from './objects.ts';

const KIND = { group: 'networking.istio.io', version: 'v1beta1', plural: 'virtualservices' } as const;

describe('@kubernetes/client-node as a client of the test API server', () => {
  let server: ApiServer;
  const config = new KubeConfig();
  before(async () => {
    server = await ApiServer.start();
    config.loadFromString(server.kubeconfig());
  });
  after(() => server.stop());

  it('lists page by page what is stored', async () => {
    server.apply(...Array.from({ length: 7 }, (_, index) => aVirtualService(`page-${index}`)));
    const api = config.makeApiClient(CustomObjectsApi);
    const names: (string | undefined)[] = [];
    let page: { items: KubeObject[]; metadata: { _continue?: string; continue?: string } };
    let token = '';
    do {
      page = (await api.listClusterCustomObject({
        ...KIND,
        limit: 3,
        ...(token === '' ? {} : { _continue: token }),
      })) as typeof page;
      names.push(...page.items.map((item) => item.metadata.name));
      token = page.metadata.continue ?? '';
    } while (token !== '');
    assert.deepEqual(
      names,
      server.objects('virtualservices.networking.istio.io').map((object) => object.metadata.name),
    );
  });

  it('keeps a copy by its watch that equals the store', async () => {
    const copy = new Map<string, string | undefined>();
    const watched = await new Watch(config).watch(
      '/apis/networking.istio.io/v1beta1/virtualservices',
      {},
      (phase: string, object: KubernetesObject) => {
        const name = object.metadata?.name ?? '';
        if (phase === 'DELETED') copy.delete(name);
        else copy.set(name, object.metadata?.resourceVersion);
      },
      () => undefined,
    );
    for (let index = 0; index < 30; index++) {
      server.apply(aVirtualService(`copy-${index % 7}`, { weight: index }));
      if (index % 5 === 4) server.delete(aVirtualService(`copy-${index % 7}`));
    }
    const stored = () => server.objects('virtualservices.networking.istio.io');
    const text = (pairs: Iterable<[string, string | undefined]>) =>
      [...pairs]
        .map((pair) => pair.join())
        .sort()
        .join(' ');
    const expected = text(stored().map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
    await eventually(() => text(copy) === expected, { what: 'the copy equals the store' });
    watched.abort();
  });

  it('patches by JSON Patch and is refused a second time', async () => {
    server.apply(aVirtualService('patched', { weight: 50 }));
    const api = config.makeApiClient(CustomObjectsApi);
    const path = '/spec/http/0/route/0/weight';
    const body = [
      { op: 'test', path, value: 50 },
      { op: 'replace', path, value: 10 },
    ];
    const patch = () => api.patchNamespacedCustomObject({ ...KIND, namespace: 'default', name: 'patched', body });
    await patch();
    await assert.rejects(patch(), (error) => (error as { code?: number }).code === 422);
  });

  it('writes built-in kinds, and reads them back as they were', async () => {
    const api = config.makeApiClient(CoreV1Api);
    const body = { metadata: { name: 'typed' }, stringData: { password: 'secret' } };
    await api.createNamespacedSecret({ namespace: 'default', body });
    const read = await api.readNamespacedSecret({ namespace: 'default', name: 'typed' });
    assert.deepEqual(read.data, { password: Buffer.from('secret').toString('base64') });
    assert.equal(read.type, 'Opaque');
  });
});
