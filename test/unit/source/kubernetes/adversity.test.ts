/** What befalls a watcher of a cluster beside plain outages: time that goes back, other clusters, new lives of old names. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { realTimers } from '#gateway/support/timers.ts';
import { ApiServer } from '#test/kit/api-server/api-server.ts';
import { istioDefinitions } from '#test/kit/api-server/istio-definitions.ts';
import type { KubeObject } from '#test/kit/api-server/kube-object.ts';
import { eventually } from '#test/kit/eventually.ts';
import { fastTimers } from '#test/kit/fast-timers.ts';
import {
  aGateway,
  aSecret,
  aVirtualService,
  removals,
  started,
  TIMINGS,
  type Watcher,
  watchedCluster,
} from './watched-cluster.ts';

const VS = 'VirtualService/default';
const REAL_BACKOFF = { firstMs: 400, longestMs: 15_000 };
const VIRTUAL_SERVICES = 'virtualservices.networking.istio.io';
const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: VIRTUAL_SERVICES },
};

function weightOf(watcher: Watcher, name: string): number | undefined {
  const raw = watcher.objects.get(`${VS}/${name}`)?.raw as
    | { spec: { http: { route: { weight: number }[] }[] } }
    | undefined;
  return raw?.spec.http[0]?.route[0]?.weight;
}

function uidOf(watcher: Watcher, name: string): unknown {
  return (watcher.objects.get(`${VS}/${name}`)?.raw as KubeObject | undefined)?.metadata['uid'];
}

test('when an older etcd was restored, what is written from then on is seen at once', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  server.apply(aVirtualService('a', 10), aVirtualService('b', 10));
  const backup = server.backup();
  const watcher = await started(cluster);
  for (let round = 0; round < 50; round += 1) server.apply(aVirtualService('a', round));
  server.delete(aVirtualService('b'));
  await eventually(() => weightOf(watcher, 'a') === 49 && !watcher.objects.has(`${VS}/b`));
  server.restore(backup);
  await eventually(() => weightOf(watcher, 'a') === 10 && weightOf(watcher, 'b') === 10, { what: 'the past is back' });
  server.apply(aVirtualService('a', 77));
  await eventually(() => weightOf(watcher, 'a') === 77, { what: 'a change below the version that was known' });
  await eventually(() => watcher.problems.length === 0);
  assert.deepEqual(watcher.defects, []);
});

test('an object that was deleted and made anew while nobody looked is told as another one', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  server.apply(aVirtualService('a'), aVirtualService('b'));
  const watcher = await started(cluster);
  const before = uidOf(watcher, 'a');
  const told = watcher.events.length;
  server.faults.stallWatches();
  server.delete(aVirtualService('a'));
  server.apply(aVirtualService('a'));
  server.compact();
  server.faults.breakConnections();
  server.faults.resumeWatches();
  await eventually(() => uidOf(watcher, 'a') !== before && uidOf(watcher, 'a') !== undefined);
  const events = watcher.events.slice(told).flatMap((event) => {
    if (event.type === 'remove') return [`remove ${event.key}`];
    return event.type === 'upsert' ? [`upsert ${event.object.key}`] : [];
  });
  assert.deepEqual(events, [`remove ${VS}/a`, `upsert ${VS}/a`]);
});

test('a DELETED event removes the object, whatever else its last state says, and an ADDED of a known one changes it', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  server.apply(aVirtualService('a', 10), aVirtualService('b', 10));
  const watcher = await started(cluster);
  await eventually(() => server.watches().includes(VIRTUAL_SERVICES));
  const send = (type: string, object: KubeObject): void => {
    const metadata = { ...object.metadata, resourceVersion: String(Number(server.resourceVersion) + 1) };
    server.faults.garbleWatches(`${JSON.stringify({ type, object: { ...object, metadata } })}\n`, VIRTUAL_SERVICES);
  };
  send('ADDED', aVirtualService('b', 20));
  send('DELETED', aVirtualService('a', 99));
  send('DELETED', aVirtualService('never-known'));
  await eventually(() => weightOf(watcher, 'b') === 20);
  assert.deepEqual(removals(watcher), [`${VS}/a`]);
});

test('of a namespace that is watched alone nothing of another one is taken', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  server.apply(aGateway('ours', 'cert'), aSecret('cert'), aVirtualService('a', 10, 'shop'));
  const watcher = await started(cluster, { namespaces: ['shop'] });
  assert.deepEqual(watcher.keys('VirtualService'), ['VirtualService/shop/a']);
  const watches = (): number => server.watches().filter((resource) => resource === VIRTUAL_SERVICES).length;
  await eventually(() => watches() === 2, { what: "shop's and the gateway's own namespace are watched" });
  const objects = [aVirtualService('intruder', 1, 'elsewhere'), aVirtualService('b', 10, 'shop')];
  for (const object of objects)
    server.faults.garbleWatches(`${JSON.stringify({ type: 'ADDED', object })}\n`, VIRTUAL_SERVICES);
  await eventually(() => watcher.objects.has('VirtualService/shop/b'));
  assert.deepEqual(watcher.keys('VirtualService'), ['VirtualService/shop/a', 'VirtualService/shop/b']);
});

test('another cluster under the known address gives and takes nothing, also over a restart, and the right one goes on', async (context) => {
  const [right, wrong] = [await watchedCluster(context), await watchedCluster(context)];
  right.server.apply(aVirtualService('a', 10), aVirtualService('b', 10));
  wrong.server.apply(aVirtualService('a', 99), aVirtualService('other'));
  const kubeconfig = right.kubeconfig;
  const lead = (to: typeof right): void =>
    writeFileSync(kubeconfig, to.server.kubeconfig({ url: `https://127.0.0.1:${to.way.port}` }));
  const first = await started(right);
  const told = first.events.length;
  lead(wrong);
  await eventually(() => /Another cluster answers at .*; nothing is read from it/.test(first.problems.join()), {
    timeoutMs: 10_000,
  });
  assert.match(first.source.status().held ?? '', /the 2 objects|objects that were known keep serving/);
  const changes = first.events.slice(told).filter(({ type }) => type !== 'problems');
  assert.deepEqual(changes, []);
  first.source.close();
  const second = await started(right, { known: first.known(), syncPatienceMs: 100 });
  assert.deepEqual(
    second.events.filter(({ type }) => type === 'upsert' || type === 'remove'),
    [],
  );
  right.server.apply(aVirtualService('a', 11));
  right.server.delete(aVirtualService('b'));
  lead(right);
  await eventually(() => weightOf(second, 'a') === 11 && removals(second).includes(`${VS}/b`), {
    timeoutMs: 20_000,
    what: second.problems.join(),
  });
  await eventually(() => second.problems.length === 0, { timeoutMs: 10_000, what: second.problems.join() });
});

test('while it cannot be asked who the cluster is, its lists are not believed', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  server.apply(aVirtualService('a'), aVirtualService('b'));
  const watcher = await started(cluster);
  server.faults.answer(503, { verbs: ['list'], resources: ['namespaces'] });
  server.delete(aVirtualService('a'));
  server.faults.failWatches(410);
  await eventually(() => watcher.problems.length > 0, { timeoutMs: 10_000 });
  await server.faults.clear();
  await eventually(() => watcher.problems.length === 0, { timeoutMs: 10_000 });
  assert.deepEqual(watcher.keys('VirtualService'), [`${VS}/b`]);
});

test('an empty list costs not even the only object of a kind when it began after the cluster was last known for the same', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  server.apply(aVirtualService('only'));
  const watcher = await started(cluster, {
    timers: fastTimers(0.01),
    timings: { ...TIMINGS, backoff: { firstMs: 1, longestMs: 1 } },
  });
  const asked = (): number => server.audit.entries({ verb: 'list', resource: 'namespaces' }).length;
  let before: unknown;
  // Nobody is about to ask again who the cluster is.
  await eventually(() => JSON.stringify(before) === JSON.stringify((before = [asked(), server.watches()])));
  // For this watcher it is the same moment in which it has asked who the cluster is.
  server.faults.add({ kind: 'empty' });
  server.faults.failWatches(410, VIRTUAL_SERVICES);
  const state = () => watcher.source.status().kinds?.find(({ kind }) => kind === 'VirtualService')?.state;
  await eventually(() => state() === 'held', { what: 'it is held' });
  assert.deepEqual(removals(watcher), []);
});

test('a kind that is served in another version from now on is read there, without a gap', async (context) => {
  const cluster = await watchedCluster(context, { definitions: definitions(['v1beta1']) });
  const { server } = cluster;
  server.apply({ ...aVirtualService('a', 10), apiVersion: 'networking.istio.io/v1beta1' });
  const watcher = await started(cluster);
  server.apply(...definitions(['v1']));
  server.apply(aVirtualService('b', 10));
  await eventually(() => watcher.objects.has(`${VS}/b`), { timeoutMs: 10_000 });
  server.apply(aVirtualService('a', 20));
  await eventually(() => weightOf(watcher, 'a') === 20);
  const { position } = watcher.objects.get(`${VS}/a`) ?? assert.fail();
  assert.match(position.file, /networking\.istio\.io\/v1\//);
  assert.deepEqual(removals(watcher), []);
});

test('a definition that is deleted and made anew while nobody looks leaves what was known until the first object is back', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  server.apply(aVirtualService('a', 10), aVirtualService('b', 10));
  const watcher = await started(cluster);
  await cluster.way.down();
  server.delete(DEFINITION);
  server.apply(...istioDefinitions());
  await cluster.way.up();
  await eventually(() => /suddenly lists no VirtualService at all/.test(watcher.problems.join()), {
    timeoutMs: 15_000,
  });
  assert.deepEqual(removals(watcher), []);
  server.apply(aVirtualService('a', 20));
  await eventually(() => weightOf(watcher, 'a') === 20);
  await eventually(() => removals(watcher).includes(`${VS}/b`), {
    timeoutMs: 15_000,
    what: 'the list is believed again',
  });
  await eventually(() => watcher.problems.length === 0);
});

test('a kind that discovery leaves out for a moment is looked for again soon', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  const watcher = await started(cluster, { discoveryMs: 600_000 });
  const state = () => watcher.source.status().kinds?.find(({ kind }) => kind === 'VirtualService')?.state;
  await eventually(() => state() === 'watching');
  server.delete(DEFINITION);
  await eventually(() => state() === 'absent', { timeoutMs: 10_000, what: 'that it is gone is noticed' });
  server.apply(...istioDefinitions());
  server.apply(aVirtualService('a'));
  await eventually(() => watcher.objects.has(`${VS}/a`), { timeoutMs: 10_000, what: 'and that it is back' });
});

test('a load balancer that answers 200 with its own page or JSON takes nothing away, and is told', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  server.apply(aVirtualService('a'), aVirtualService('b'));
  const watcher = await started(cluster);
  const state = () => watcher.source.status().kinds?.find(({ kind }) => kind === 'VirtualService')?.state;
  for (const [kind, told] of [
    ['page', /answered 200 with a page/],
    ['foreign json', /is no list/],
  ] as const) {
    server.faults.add({ kind });
    server.faults.breakConnections();
    await eventually(() => told.test(watcher.problems.join()), { timeoutMs: 10_000, what: kind });
    await eventually(() => state() === 'failing');
    await server.faults.clear();
    await eventually(() => watcher.problems.length === 0, { timeoutMs: 10_000 });
  }
  assert.deepEqual(removals(watcher), []);
});

test('a kubeconfig that leads to other servers of the cluster moves the watches there', async (context) => {
  const cluster = await watchedCluster(context, { doors: 2 });
  const { server } = cluster;
  server.apply(aVirtualService('a', 10));
  const watcher = await started(cluster);
  writeFileSync(cluster.kubeconfig, server.kubeconfig({ url: server.urls[1] ?? '' }));
  await eventually(() => watcher.source.status().server === server.urls[1], { timeoutMs: 10_000 });
  // Whatever still hung on the old way would be deaf now.
  cluster.way.stall();
  server.apply(aVirtualService('a', 20));
  await eventually(() => weightOf(watcher, 'a') === 20);
  cluster.way.flow();
});

test('when all servers are down and one comes back, it is found', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  server.apply(aVirtualService('a', 10));
  const other = await ApiServer.start();
  const dead = other.url;
  await other.stop();
  const watcher = await started(cluster, { servers: [dead] });
  await cluster.way.down();
  await eventually(() => /refused.*refused/.test(watcher.problems.join()), { timeoutMs: 10_000 });
  server.apply(aVirtualService('a', 20));
  await cluster.way.up();
  await eventually(() => weightOf(watcher, 'a') === 20, { timeoutMs: 10_000 });
});

test('a token that is taken again ends the pause after its refusal', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  server.apply(aVirtualService('a', 10));
  const watcher = await started(cluster, {
    timings: { ...TIMINGS, backoff: { firstMs: 600_000, longestMs: 600_000 } },
  });
  server.faults.answer(401);
  server.faults.breakConnections();
  await eventually(() => /Unauthorized/.test(watcher.problems.join()), { timeoutMs: 10_000 });
  server.apply(aVirtualService('a', 20));
  await server.faults.clear();
  await eventually(() => weightOf(watcher, 'a') === 20, { timeoutMs: 15_000 });
});

test('the right to a kind that is taken while it is watched costs nothing that is known', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  server.apply(aVirtualService('a', 10), aVirtualService('b', 10));
  const watcher = await started(cluster);
  server.faults.answer(403, { resources: [VIRTUAL_SERVICES] });
  server.faults.endWatches(VIRTUAL_SERVICES);
  await eventually(() => /VirtualService objects cannot be read: .* the 2 objects/.test(watcher.problems.join()), {
    timeoutMs: 10_000,
    what: watcher.problems.join(),
  });
  const states = Object.fromEntries((watcher.source.status().kinds ?? []).map(({ kind, state }) => [kind, state]));
  assert.deepEqual([states['VirtualService'], states['Service']], ['refused', 'watching']);
  assert.deepEqual(removals(watcher), []);
});

test('the objects of a namespace that is terminated go one by one, and are obeyed', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  server.apply(aVirtualService('a', 10, 'shop'), aVirtualService('b', 10, 'shop'));
  const watcher = await started(cluster);
  server.delete(aVirtualService('a', 10, 'shop'), aVirtualService('b', 10, 'shop'));
  server.delete({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  await eventually(() => watcher.keys('VirtualService').length === 0 && !watcher.objects.has('Namespace//shop'));
  assert.deepEqual(watcher.problems, []);
});

function definitions(versions: readonly string[]): KubeObject[] {
  return istioDefinitions().map((definition) => {
    const spec = definition['spec'] as { group: string; versions: { name: string }[] };
    if (spec.group !== 'networking.istio.io') return definition;
    const [first] = spec.versions;
    const storage = (index: number): boolean => index === 0;
    const served = versions.map((name, index) => ({ ...first, name, storage: storage(index) }));
    return { ...definition, spec: { ...spec, versions: served } };
  });
}

test('an API server that has just started refuses and lacks things for a moment, which is no news and costs no time', async (context) => {
  const cluster = await watchedCluster(context);
  const { server } = cluster;
  server.apply(aVirtualService('a', 10));
  const timings = { ...TIMINGS, backoff: REAL_BACKOFF };
  // How long is too long for a moment depends on the machine.
  const watcher = await started(cluster, { discoveryMs: 60_000, timings, timers: realTimers });
  await server.faults.down();
  await eventually(() => watcher.problems.length > 0, { timeoutMs: 10_000, what: 'the outage is told' });
  const outage = watcher.problems;
  const goOn = server.startAnew();
  await server.faults.up();
  const refused = () => server.audit.entries({ code: 403, verb: 'watch' }).length;
  await eventually(() => refused() > 0, { timeoutMs: 10_000 });
  goOn();
  const isLacking = () =>
    watcher.source.status().kinds?.some(({ kind, state }) => kind === 'VirtualService' && state === 'failing');
  await eventually(isLacking, { timeoutMs: 10_000 });
  goOn();
  server.apply(aVirtualService('a', 20));
  await eventually(() => weightOf(watcher, 'a') === 20, { timeoutMs: 6_000, what: 'the change' });
  await eventually(() => watcher.problems.length === 0);
  const told = watcher.events.flatMap((event) =>
    event.type === 'problems' ? event.problems.map(({ problem }) => problem.message) : [],
  );
  assert.deepEqual([...new Set(told)], outage);
  assert.deepEqual(removals(watcher), []);
});
