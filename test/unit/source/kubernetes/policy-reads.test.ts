import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realTimers } from '#gateway/support/timers.ts';
import { istioDefinitions } from '#test/kit/api-server/istio-definitions.ts';
import type { KubeObject } from '#test/kit/api-server/kube-object.ts';
import { eventually } from '#test/kit/eventually.ts';
import { aVirtualService, synced, type WatchedCluster, type Watcher, watchedCluster } from './watched-cluster.ts';

// A kind that may guard hosts and was never read is told before anything is served: what it closes, nobody knows.
const POLICIES = 'authorizationpolicies.security.istio.io';

const aPolicy = (namespace = 'istio-system'): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'p', namespace },
  spec: {},
});

async function started(cluster: WatchedCluster, options?: Parameters<WatchedCluster['watch']>[0]): Promise<Watcher> {
  cluster.server.apply(aVirtualService('myapp'));
  const watcher = await cluster.watch(options);
  await synced(watcher);
  return watcher;
}

const forbid = ({ server }: WatchedCluster, namespaces?: readonly string[]) =>
  server.faults.answer(403, {
    verbs: ['list', 'watch'],
    resources: [POLICIES],
    ...(namespaces && { namespaces }),
  });

test('one that the account may not list is told with the right that it needs, until it is read', async (context) => {
  const cluster = await watchedCluster(context);
  cluster.server.apply(aPolicy());
  const allow = forbid(cluster);
  const watcher = await started(cluster);
  const unread = watcher.events.findIndex(({ type }) => type === 'unread');
  assert.ok(unread !== -1 && unread < watcher.events.findIndex(({ type }) => type === 'synced'), 'before it is synced');
  assert.deepEqual(Object.keys(watcher.unread), ['AuthorizationPolicy']);
  assert.match(
    watcher.unread['AuthorizationPolicy'] ?? '',
    /may not be read: forbidden.*\{apiGroups: \[security\.istio\.io\], resources: \[authorizationpolicies\], verbs: \[list, watch\]\}/,
  );
  assert.match(watcher.source.status().trouble ?? '', /AuthorizationPolicy objects may not be read/);
  allow();
  await eventually(() => Object.keys(watcher.unread).length === 0);
  assert.deepEqual(watcher.keys('AuthorizationPolicy'), ['AuthorizationPolicy/istio-system/p']);
  assert.deepEqual(watcher.policiesRead['AuthorizationPolicy'], ['']);
  assert.deepEqual(watcher.problems, []);
});

test('one that was read once stays as it was last known, also over a restart; one that was not does not', async (context) => {
  const cluster = await watchedCluster(context);
  const first = await started(cluster);
  first.source.close();
  forbid(cluster);
  const known = first.known();
  const second = await started(cluster, { known, policiesRead: first.policiesRead });
  assert.deepEqual(second.unread, {});
  assert.deepEqual(second.policiesRead, first.policiesRead);
  second.source.close();
  const third = await started(cluster, { known });
  assert.deepEqual(Object.keys(third.unread), ['AuthorizationPolicy']);
  third.source.close();
  const moved = { namespace: 'edge', rootNamespace: 'istio-system', labels: {} };
  const part = { policiesRead: { ...first.policiesRead, AuthorizationPolicy: ['istio-system'] }, known };
  const fourth = await started(cluster, { ...part, gateway: moved });
  assert.deepEqual(Object.keys(fourth.unread), ['AuthorizationPolicy'], 'of the own namespace nothing was read');
});

const isSecurity = ({ metadata }: KubeObject): boolean => /security|extensions/.test(metadata.name);

/** Kinds that were told to be unread at some time since the source was synced. */
function everUnread(watcher: Watcher): string[] {
  const since = watcher.events.slice(watcher.events.findIndex(({ type }) => type === 'synced'));
  return [
    ...new Set(since.flatMap((event) => (event.type === 'unread' ? event.unread.map(({ policy }) => policy) : []))),
  ];
}

test('a kind that the cluster does not have is no danger, nor is one that comes, unless it may not be read', async (context) => {
  const cluster = await watchedCluster(context, { definitions: istioDefinitions().filter((one) => !isSecurity(one)) });
  // Its patience is part of what is tested.
  const watcher = await started(cluster, { timers: realTimers });
  assert.deepEqual(watcher.unread, {});
  assert.equal(watcher.policiesRead['AuthorizationPolicy'], 'absent');
  forbid(cluster);
  cluster.server.apply(...istioDefinitions());
  await eventually(() => watcher.policiesRead['WasmPlugin']?.includes('') === true);
  await eventually(() => 'AuthorizationPolicy' in watcher.unread, { timeoutMs: 10_000 });
  assert.deepEqual(everUnread(watcher), ['AuthorizationPolicy'], 'what is read at once closes nothing on its way');
  watcher.source.close();
  const next = await started(cluster, { known: watcher.known(), policiesRead: { AuthorizationPolicy: 'absent' } });
  assert.ok('AuthorizationPolicy' in next.unread, 'that there was none says nothing of the kind that there is');
});

test('kinds that come together with the routes are unread until they are read', async (context) => {
  const cluster = await watchedCluster(context, { definitions: [] });
  const watcher = await cluster.watch();
  await synced(watcher);
  assert.deepEqual(watcher.unread, {});
  cluster.server.apply(...istioDefinitions());
  cluster.server.apply(aVirtualService('myapp'));
  await eventually(() => watcher.keys('VirtualService').length > 0 && Object.keys(watcher.unread).length === 0);
  assert.ok(everUnread(watcher).includes('AuthorizationPolicy'));
});

test('a kind that was read and goes away for a while has been read', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  const watcher = await started(cluster);
  const [definition] = istioDefinitions().filter(({ metadata }) => metadata.name === POLICIES);
  assert.ok(definition);
  server.delete(definition);
  const stateOf = () => watcher.source.status().kinds?.find(({ kind }) => kind === 'AuthorizationPolicy')?.state;
  await eventually(() => stateOf() === 'absent');
  forbid(cluster);
  server.apply(definition);
  await eventually(() => stateOf() === 'refused');
  await eventually(() => watcher.problems.some((text) => text.includes('AuthorizationPolicy')));
  assert.deepEqual(watcher.unread, {});
});

test('a fresh node whose API server fails for such a kind is not ready, unless the settings accept the kind', async (context) => {
  const cluster = await watchedCluster(context);
  cluster.server.apply(aVirtualService('myapp'));
  const mend = cluster.server.faults.answer(500, { verbs: ['list'], resources: [POLICIES] });
  const strict = await cluster.watch({ acceptUnenforced: ['AuthorizationPolicy/istio-system/p', 'WasmPlugin'] });
  const lenient = await started(cluster, { acceptUnenforced: ['AuthorizationPolicy'] });
  assert.deepEqual(Object.keys(lenient.unread), ['AuthorizationPolicy']);
  assert.doesNotMatch(lenient.source.status().trouble ?? '', /AuthorizationPolicy/);
  assert.equal(strict.synced, false);
  mend();
  await synced(strict);
  assert.deepEqual(strict.unread, {});
});

test('a group that cannot be asked for its kinds is not taken for one without', async (context) => {
  const cluster = await watchedCluster(context, { version: '1.20', definitions: istioDefinitions() });
  const { server } = cluster;
  server.apply(aVirtualService('myapp'));
  const mend = server.faults.answer(503, { path: '/apis/security.istio.io/v1' });
  const watcher = await cluster.watch();
  await eventually(() => watcher.keys('VirtualService').length > 0);
  assert.equal(watcher.synced, false);
  const late = await started(cluster, { known: watcher.known(), syncPatienceMs: 10 });
  assert.match(
    late.unread['RequestAuthentication'] ?? '',
    /could not be asked yet whether it has RequestAuthentication/,
  );
  mend();
  await synced(watcher);
  await eventually(() => Object.keys(late.unread).length === 0);
});

/** With WasmPlugin in a version of the future. */
function strangeDefinitions(): KubeObject[] {
  return istioDefinitions().map((definition) => {
    const spec = definition['spec'] as {
      readonly names: { readonly kind: string };
      readonly versions: readonly object[];
    };
    if (spec.names.kind !== 'WasmPlugin') return definition;
    return { ...definition, spec: { ...spec, versions: spec.versions.map((one) => ({ ...one, name: 'v9' })) } };
  });
}

test('a kind in another version than those that are read is not taken for none; one that was read before is held', async (context) => {
  const fresh = await started(await watchedCluster(context, { definitions: strangeDefinitions() }));
  assert.match(fresh.unread['WasmPlugin'] ?? '', /in none of the versions that are read here \(v1alpha1\)/);
  const cluster = await watchedCluster(context);
  const watcher = await started(cluster);
  cluster.server.apply(...strangeDefinitions());
  await eventually(() => watcher.problems.some((text) => /serves WasmPlugin.*in no version any more/.test(text)));
  assert.deepEqual(watcher.unread, {});
});

test('kinds of an older Istio, which nobody reads, are told once they are there', async (context) => {
  const cluster = await watchedCluster(context);
  const watcher = await started(cluster);
  assert.deepEqual(watcher.problems, []);
  const [gateway] = istioDefinitions();
  assert.ok(gateway);
  const names = { plural: 'policies', singular: 'policy', kind: 'Policy', listKind: 'PolicyList' };
  const spec = { ...(gateway['spec'] as object), group: 'authentication.istio.io', names };
  cluster.server.apply({ ...gateway, metadata: { name: 'policies.authentication.istio.io' }, spec });
  await eventually(() => watcher.problems.some((text) => /older Istio \(authentication\.istio\.io\)/.test(text)));
});

test('with named namespaces only those count whose policies hold for the gateway', async (context) => {
  const cluster = await watchedCluster(context);
  const options = { namespaces: ['shop'], gateway: { namespace: 'edge', rootNamespace: 'mesh', labels: {} } };
  const allow = forbid(cluster, ['shop']);
  const first = await started(cluster, options);
  assert.deepEqual(first.unread, {});
  assert.deepEqual(first.policiesRead['AuthorizationPolicy'], ['edge', 'mesh']);
  allow();
  forbid(cluster, ['mesh']);
  const second = await started(cluster, options);
  assert.match(second.unread['AuthorizationPolicy'] ?? '', /objects in namespace mesh may not be read/);
});
