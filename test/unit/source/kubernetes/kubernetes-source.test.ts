import assert from 'node:assert/strict';
import { test } from 'node:test';
import { istioDefinitions } from '#test/kit/api-server/istio-definitions.ts';
import type { KubeObject } from '#test/kit/api-server/kube-object.ts';
import { makeCa } from '#test/kit/certificates.ts';
import { eventually } from '#test/kit/eventually.ts';
import {
  aGateway,
  aSecret,
  aVirtualService,
  removals,
  started,
  synced,
  TIMINGS,
  type Watcher,
  watchedCluster,
} from './watched-cluster.ts';

const VS = 'VirtualService/default';

test('what a cluster holds is told, then synced, then every change', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  for (let index = 0; index < 10; index += 1) server.apply(aVirtualService(`vs-${index}`));
  const watcher = await started(cluster);
  assert.equal(watcher.keys('VirtualService').length, 10, 'over several pages');
  const { position, raw, resource } = watcher.objects.get(`${VS}/vs-3`) ?? assert.fail();
  assert.equal(position.file, 'cluster:/apis/networking.istio.io/v1/namespaces/default/virtualservices/vs-3');
  assert.equal(resource?.kind, 'VirtualService');
  const metadata = (raw as { metadata: Record<string, unknown> }).metadata;
  assert.deepEqual(
    [typeof metadata['resourceVersion'], typeof metadata['uid'], metadata['managedFields']],
    ['string', 'string', undefined],
  );
  server.apply(aVirtualService('late'));
  server.patch(aVirtualService('vs-1'), { metadata: { labels: { changed: 'yes' } } });
  server.delete(aVirtualService('vs-0'));
  await eventually(() => !watcher.objects.has(`${VS}/vs-0`));
  assert.equal(watcher.keys('VirtualService').length, 10);
  assert.equal(watcher.told(`${VS}/vs-1`), 2);
  assert.deepEqual([watcher.defects, watcher.problems], [[], []]);
});

test('a change of status or of resourceVersion alone is not told', async (context) => {
  const cluster = await watchedCluster(context);
  cluster.server.apply(aVirtualService('myapp'));
  const watcher = await started(cluster);
  cluster.server.patch(aVirtualService('myapp'), { status: { conditions: [{ type: 'Reconciled' }] } });
  cluster.server.apply(aVirtualService('next'));
  await eventually(() => watcher.objects.has(`${VS}/next`));
  assert.equal(watcher.told(`${VS}/myapp`), 1);
});

test('a compacted history leads to one new list that tells only what differs', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  for (const name of ['a', 'b', 'c', 'd']) server.apply(aVirtualService(name));
  const watcher = await started(cluster);
  const listsBefore = lists(watcher);
  await cluster.way.down();
  server.delete(aVirtualService('a'));
  server.apply(aVirtualService('b', 90), aVirtualService('e'));
  server.compact();
  await cluster.way.up();
  await eventually(
    () => watcher.keys('VirtualService').join() === ['b', 'c', 'd', 'e'].map((name) => `${VS}/${name}`).join(),
  );
  assert.deepEqual([watcher.told(`${VS}/b`), watcher.told(`${VS}/c`), watcher.told(`${VS}/e`)], [2, 1, 1]);
  assert.ok(lists(watcher) - listsBefore <= 2, `no storm of lists: ${lists(watcher) - listsBefore}`);
});

function lists(watcher: Watcher, kind = 'VirtualService'): number {
  return watcher.source.status().kinds?.find((status) => status.kind === kind)?.lists ?? 0;
}

test('Secrets are asked for only where Gateways of ours name them, and only those are kept, certificates alone', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  server.apply(aGateway('ours', 'cert'), {
    ...aGateway('other', 'foreign'),
    spec: { selector: { istio: 'egress' }, servers: [] },
  });
  server.apply(aSecret('cert'), aSecret('unnamed'), aSecret('foreign'), aSecret('cert', 'elsewhere'));
  const watcher = await started(cluster);
  assert.deepEqual(watcher.keys('Secret'), ['Secret/istio-system/cert']);
  const raw = watcher.objects.get('Secret/istio-system/cert')?.raw as { data: object };
  assert.deepEqual(Object.keys(raw.data), ['tls.crt', 'tls.key']);
  const asked = server.audit.entries({ resource: 'secrets' }).map(({ namespace }) => namespace);
  assert.deepEqual([...new Set(asked)].sort(), ['default', 'istio-system']);
  server.apply(aGateway('ours', 'unnamed'));
  await eventually(() => watcher.keys('Secret').join() === 'Secret/istio-system/unnamed', {
    what: 'the other Secret is wanted now',
  });
  server.delete(aGateway('ours', undefined));
  await eventually(() => watcher.keys('Secret').length === 0, { what: 'nobody names a Secret any more' });
});

test('ConfigMaps are asked for only while a Gateway of ours names one, where the gateway lives, and of it only its CA is kept', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  const map = (name: string, ca: string, namespace = 'istio-system') => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace },
    data: { 'ca.crt': ca, other: 'x' },
  });
  const asked = () => server.audit.entries({ resource: 'configmaps' }).map(({ namespace }) => namespace);
  const mutual = aGateway('ours', 'cert');
  const [https] = (mutual as unknown as { spec: { servers: object[] } }).spec.servers;
  const tls = { mode: 'MUTUAL', credentialName: 'cert', caCertCredentialName: 'clients' };
  server.apply(aGateway('ours', 'cert'), map('clients', 'first'), map('other', 'x'), map('clients', 'x', 'default'));
  const watcher = await started(cluster);
  assert.deepEqual([asked(), watcher.keys('ConfigMap')], [[], []]);
  server.apply({ ...mutual, spec: { selector: { istio: 'ingressgateway' }, servers: [{ ...https, tls }] } });
  await eventually(() => watcher.keys('ConfigMap').join() === 'ConfigMap/istio-system/clients');
  const ca = () => (watcher.objects.get('ConfigMap/istio-system/clients')?.raw as { data?: object } | undefined)?.data;
  assert.deepEqual(ca(), { 'ca.crt': 'first' });
  server.apply(map('clients', 'second'));
  await eventually(() => JSON.stringify(ca()).includes('second'), { what: 'the CA was renewed' });
  assert.deepEqual([...new Set(asked())], ['istio-system']);
  server.apply(aGateway('ours', 'cert'));
  await eventually(() => watcher.keys('ConfigMap').length === 0, { what: 'nobody names it any more' });
});

test('a usable Secret of the own namespace keeps us from asking beside the Gateway', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  const { certificatePem, privateKeyPem } = await (await makeCa()).issue({ names: ['a.example'] });
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const good = { ...aSecret('cert'), data: { 'tls.crt': base64(certificatePem), 'tls.key': base64(privateKeyPem) } };
  server.apply(aGateway('ours', 'cert'), good, aSecret('cert', 'default'));
  const watcher = await started(cluster);
  const asked = (): string[] => server.audit.entries({ resource: 'secrets' }).map(({ namespace }) => namespace);
  assert.deepEqual(watcher.keys('Secret'), ['Secret/istio-system/cert']);
  assert.deepEqual([...new Set(asked())], ['istio-system']);
  server.delete(good);
  await eventually(() => watcher.keys('Secret').join() === 'Secret/default/cert', {
    what: 'the one beside the Gateway',
  });
  server.apply(good);
  await eventually(() => watcher.keys('Secret').join() === 'Secret/istio-system/cert');
});

test('with named namespaces no other is asked for, but for the gateway and the mesh as a whole', async (context) => {
  const cluster = await watchedCluster(context);
  cluster.server.apply(aVirtualService('in', 50, 'shop'), aVirtualService('out', 50, 'private'));
  const watcher = await started(cluster, { namespaces: ['shop'] });
  assert.deepEqual(watcher.keys('VirtualService'), ['VirtualService/shop/in']);
});

test('policies that hold for the gateway are read, whatever namespaces are named', async (context) => {
  const cluster = await watchedCluster(context);
  for (const namespace of ['edge', 'mesh-root', 'private', 'istio-system'])
    cluster.server.apply({
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name: 'p', namespace },
      spec: {},
    });
  const gateway = { namespace: 'edge', rootNamespace: 'mesh-root', labels: {} };
  const watcher = await started(cluster, { namespaces: ['shop'], gateway });
  assert.deepEqual(watcher.keys('AuthorizationPolicy'), [
    'AuthorizationPolicy/edge/p',
    'AuthorizationPolicy/mesh-root/p',
  ]);
});

test('a kind comes with its CRD and is held when the CRD goes', async (context) => {
  const cluster = await watchedCluster(context, { definitions: [] });
  const { server } = cluster;
  const watcher = await started(cluster);
  assert.match(watcher.problems.join(' '), /does not serve Gateway, VirtualService, DestinationRule, ServiceEntry/);
  server.apply(...istioDefinitions());
  server.apply(aVirtualService('myapp'));
  await eventually(() => watcher.objects.has(`${VS}/myapp`), { what: 'the kind is noticed' });
  await eventually(() => watcher.problems.length === 0);
});

test('an old cluster without EndpointSlices and bookmarks is read by its Endpoints', async (context) => {
  const cluster = await watchedCluster(context, {
    without: ['discovery.k8s.io', 'coordination.k8s.io/v1'],
    bookmarks: 'off',
  });
  const subsets = [{ addresses: [{ ip: '10.1.0.1' }], ports: [{ port: 8080 }] }];
  cluster.server.apply({
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'myapp', namespace: 'default' },
    subsets,
  });
  const watcher = await started(cluster);
  assert.deepEqual(watcher.keys('Endpoints'), ['Endpoints/default/myapp']);
  assert.deepEqual(watcher.problems, []);
});

test('watches that fall silent are given up and opened again', async (context) => {
  const cluster = await watchedCluster(context);
  cluster.server.apply(aVirtualService('myapp'));
  const watcher = await started(cluster, { timings: { ...TIMINGS, silenceMs: 400 } });
  const status = () => watcher.source.status().kinds?.find(({ kind }) => kind === 'VirtualService');
  const watches = (): number => status()?.watches ?? 0;
  // Bookmarks have shown that silence is a fault; the watch after that is held to it.
  await eventually(() => watches() === 1);
  const heard = new Set<number | undefined>();
  await eventually(() => heard.add(status()?.lastSyncAt).size > 3, { what: 'the list, the watch, and bookmarks' });
  cluster.server.faults.endWatches();
  await eventually(() => watches() === 2);
  cluster.server.faults.stallWatches();
  cluster.server.patch(aVirtualService('myapp'), { metadata: { labels: { changed: 'yes' } } });
  await eventually(() => watches() > 2, { timeoutMs: 10_000, what: 'the silence is noticed' });
  assert.equal(watcher.told(`${VS}/myapp`), 1);
  cluster.server.faults.resumeWatches();
  await eventually(() => watcher.told(`${VS}/myapp`) === 2, { timeoutMs: 10_000 });
});

test('a restart begins with what was known and removes what the first lists lack', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  for (const name of ['a', 'b', 'c']) server.apply(aVirtualService(name));
  const first = await started(cluster);
  first.source.close();
  server.delete(aVirtualService('a'));
  const strange = { key: `${VS}/of-a-folder`, file: '/etc/mesh-gateway/routes.d/x.yaml' };
  const second = await started(cluster, { known: [...first.known(), strange] });
  assert.deepEqual(removals(second).sort(), [`${VS}/a`, `${VS}/of-a-folder`]);
});

test('Ingresses of an old group are known again after a restart, and those that went meanwhile are removed', async (context) => {
  const cluster = await watchedCluster(context, { version: '1.12' });
  for (const name of ['a', 'b']) cluster.server.apply(anIngress(name, 'extensions/v1beta1'));
  const first = await started(cluster);
  first.source.close();
  cluster.server.delete(anIngress('a', 'extensions/v1beta1'));
  const second = await started(cluster, { known: first.known() });
  assert.deepEqual(second.keys('Ingress'), ['Ingress/default/b']);
  assert.deepEqual(removals(second), ['Ingress/default/a']);
  assert.doesNotMatch(second.problems.join(), /Ingress/);
});

test('an Ingress that was read in an old group before the cluster was upgraded stays known', async (context) => {
  const cluster = await watchedCluster(context);
  for (const name of ['a', 'b']) cluster.server.apply(anIngress(name, 'networking.k8s.io/v1'));
  const first = await started(cluster);
  first.source.close();
  cluster.server.delete(anIngress('a', 'networking.k8s.io/v1'));
  const known = first
    .known()
    .map((object) => ({ ...object, file: object.file.replace('networking.k8s.io/v1', 'extensions/v1beta1') }));
  const second = await started(cluster, { known });
  await eventually(() => removals(second).length > 0);
  assert.deepEqual(removals(second), ['Ingress/default/a']);
  assert.deepEqual(second.keys('Ingress'), ['Ingress/default/b']);
});

test('a list that is suddenly empty is held, and obeyed when something of the kind is there again', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  for (const name of ['a', 'b', 'c']) server.apply(aVirtualService(name));
  const first = await started(cluster);
  first.source.close();
  for (const name of ['a', 'b', 'c']) server.delete(aVirtualService(name));
  const second = await started(cluster, { known: first.known() });
  assert.deepEqual(removals(second), []);
  assert.match(second.problems.join(), /suddenly lists no VirtualService at all; this is held, not obeyed.* 3 objects/);
  assert.match(second.source.status().held ?? '', /held/);
  const { state, lastSyncAt } =
    second.source.status().kinds?.find(({ kind }) => kind === 'VirtualService') ?? assert.fail();
  assert.deepEqual([state, lastSyncAt], ['held', undefined], 'what is held was never known to be the truth');
  server.apply(aVirtualService('d'));
  await eventually(() => removals(second).length === 3, {
    timeoutMs: 20_000,
    what: 'the list is obeyed once it names something',
  });
  await eventually(() => second.problems.length === 0);
});

test('what the account may not read is told in one Problem, and does not keep the rest from being served', async (context) => {
  const cluster = await watchedCluster(context);
  cluster.server.apply(aVirtualService('myapp'));
  const where = { verbs: ['list', 'watch'], resources: ['pods', 'ingresses.networking.k8s.io'] };
  const allow = cluster.server.faults.answer(403, where);
  const watcher = await started(cluster);
  assert.deepEqual(watcher.keys('VirtualService'), [`${VS}/myapp`]);
  const told = /^The Pod objects, the Ingress objects cannot be read: .*Give the account the right/;
  await eventually(() => told.test(watcher.problems.join('\n')), { timeoutMs: 15_000 });
  assert.equal(watcher.problems.length, 1);
  allow();
  await eventually(() => watcher.problems.length === 0, { timeoutMs: 15_000 });
});

test('Nodes that may not be read are missed for their places only: a warning, and no trouble', async (context) => {
  const cluster = await watchedCluster(context);
  cluster.server.apply(aVirtualService('myapp'));
  const allow = cluster.server.faults.answer(403, { verbs: ['list', 'watch'], resources: ['nodes'] });
  const watcher = await started(cluster);
  await eventually(() => watcher.problems.length > 0, { timeoutMs: 15_000 });
  const told = /^The Node objects cannot be read: .*none is preferred for being near.*Give the account the right/;
  assert.match(watcher.problems.join('\n'), told);
  assert.equal(watcher.source.status().trouble, undefined);
  allow();
  await eventually(() => watcher.problems.length === 0, { timeoutMs: 15_000 });
});

test('the heartbeat of a Node is not told, a label of its place is', async (context) => {
  const cluster = await watchedCluster(context);
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } };
  const beat = (lastHeartbeatTime: string) => ({
    status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime }] },
  });
  cluster.server.apply({ ...node, ...beat('2026-01-01T00:00:00Z') });
  const watcher = await started(cluster);
  cluster.server.patch(node, beat('2026-01-01T00:00:10Z'));
  cluster.server.patch(node, beat('2026-01-01T00:00:20Z'));
  cluster.server.patch(node, { metadata: { labels: { 'topology.kubernetes.io/zone': 'a' } } });
  await eventually(() => watcher.told('Node//node-1') > 1);
  assert.equal(watcher.told('Node//node-1'), 2);
});

test('objects of a kind whose CRD goes away with them at once are held', async (context) => {
  const cluster = await watchedCluster(context);
  cluster.server.apply(aVirtualService('a'), aVirtualService('b'));
  const first = await started(cluster);
  first.source.close();
  cluster.server.delete({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'virtualservices.networking.istio.io' },
  });
  const second = await started(cluster, { known: first.known() });
  await eventually(() => second.problems.length > 0);
  assert.match(second.problems.join(), /does not serve VirtualService any more\. Until then the 2 objects/);
  assert.deepEqual(removals(second), []);
});

test('the only object of a kind may go while nobody looks, if the cluster is the same', async (context) => {
  const cluster = await watchedCluster(context);
  cluster.server.apply(aVirtualService('only'));
  const first = await started(cluster);
  first.source.close();
  cluster.server.delete(aVirtualService('only'));
  const second = await started(cluster, { known: first.known() });
  assert.ok(second.events.some((event) => event.type === 'remove' && event.key === `${VS}/only`));
});

test('in an outage at start the source is synced with what is known, after its patience, and says so', async (context) => {
  const cluster = await watchedCluster(context);
  cluster.server.apply(aGateway('ours', 'cert'), aSecret('cert'), aVirtualService('myapp'));
  const first = await started(cluster);
  first.source.close();
  await cluster.way.down();
  const second = await cluster.watch({ known: first.known(), syncPatienceMs: 50 });
  await synced(second);
  assert.deepEqual(
    second.events.filter(({ type }) => type === 'remove' || type === 'upsert'),
    [],
  );
  await eventually(() => second.problems.length > 0);
  assert.match(second.problems.join(), /connection refused.*keep serving/);
});

test('a fresh node in an outage is not synced: there is nothing it could serve', async (context) => {
  const cluster = await watchedCluster(context);
  await cluster.way.down();
  const watcher = await cluster.watch({ syncPatienceMs: 20 });
  await eventually(() => watcher.problems.length > 0);
  assert.equal(watcher.synced, false);
});

function anIngress(name: string, apiVersion: string): KubeObject {
  return {
    apiVersion,
    kind: 'Ingress',
    metadata: { name, namespace: 'default' },
    spec: { rules: [{ host: 'a.example' }] },
  };
}
