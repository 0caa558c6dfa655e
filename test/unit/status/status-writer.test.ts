import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiServer } from '../../kit/api-server/api-server.ts';
import type { KubeObject } from '../../kit/api-server/kube-object.ts';
import { eventually } from '../../kit/eventually.ts';
import { gatewayYaml } from '../../kit/yaml-objects.ts';
import { objectsOf, SHOP, shopServer } from '../change/cluster-kit.ts';
import { conditionOf, eventsOf, JudgingNode, statusWrites } from './status-kit.ts';

const BROKEN = { spec: { http: [{ route: [{ destination: { host: 'shop', subset: 'v9' } }] }] } };
const MENDED = { spec: { http: [{ route: [{ destination: { host: 'shop', subset: 'v1' } }] }] } };

test('Gateways and VirtualServices that are served say so, for their newest generation; nothing else is written', async (context) => {
  const server = await shopServer(context);
  await JudgingNode.start(context, server);
  for (const [kind, name] of [
    ['VirtualService', 'shop'],
    ['Gateway', 'edge'],
  ] as const) {
    const condition = await eventually(() => conditionOf(server, kind, name));
    assert.equal(condition['status'], 'True');
    assert.equal(condition['reason'], 'Accepted');
    assert.equal(condition['observedGeneration'], 1);
    assert.match(String(condition['lastTransitionTime']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  }
  assert.equal(conditionOf(server, 'DestinationRule', 'shop'), undefined);
  assert.deepEqual(eventsOf(server), []);
  assert.equal(statusWrites(server), 2);
});

test('an object with a problem says which, by condition and Event; mended it is accepted again', async (context) => {
  const server = await shopServer(context);
  const { road } = await JudgingNode.start(context, server);
  await eventually(() => conditionOf(server, 'VirtualService', 'shop'));
  server.patch(SHOP, BROKEN);
  road.look();
  const condition = await eventually(() => {
    const found = conditionOf(server, 'VirtualService', 'shop');
    return found?.['status'] === 'False' && found;
  });
  assert.match(String(condition['reason']), /^(IST|MG)\d{4}$/);
  assert.match(String(condition['message']), /v9/);
  assert.equal(condition['observedGeneration'], 2);
  const [event] = await eventually(() => eventsOf(server).length > 0 && eventsOf(server));
  assert.ok(event);
  assert.deepEqual(
    [event.type, event.reason, event.involvedObject.name, event.involvedObject.uid],
    ['Warning', condition['reason'], 'shop', server.object(SHOP)?.metadata.uid],
  );
  server.patch(SHOP, MENDED);
  road.look();
  const mended = await eventually(() => {
    const found = conditionOf(server, 'VirtualService', 'shop');
    return found?.['observedGeneration'] === 3 && found;
  });
  assert.equal(mended['status'], 'True');
});

test('conditions of others stay, whatever is written', async (context) => {
  const server = await shopServer(context);
  const theirs = { type: 'Reconciled', status: 'True', message: '2/2 proxies' };
  server.patch(SHOP, { status: { conditions: [theirs], observedGeneration: '1' } });
  await JudgingNode.start(context, server);
  await eventually(() => conditionOf(server, 'VirtualService', 'shop'));
  const { conditions, observedGeneration } = (server.object(SHOP)?.['status'] ?? {}) as Record<string, unknown[]>;
  assert.deepEqual(conditions?.[0], theirs);
  assert.equal(conditions?.length, 2);
  assert.equal(observedGeneration, '1');
});

function manyShops(count: number): KubeObject[] {
  return Array.from({ length: count }, (_, index) => ({
    ...SHOP,
    metadata: { namespace: 'default', name: `shop-${index}` },
    spec: { hosts: [`shop-${index}.example`], gateways: ['edge'], http: MENDED.spec.http },
  }));
}

test('what is found in a survey costs one request an object, and nothing when it is right already', async (context) => {
  const server = await shopServer(context);
  server.apply(...manyShops(300));
  const first = await JudgingNode.start(context, server, { factor: 10 });
  const isWritten = (): boolean => statusWrites(server) === 302;
  await eventually(isWritten, { timeoutMs: 20_000 });
  assert.equal(server.audit.entries({ verb: 'get', subresource: 'status' }).length, 0);
  await first.election.stop();
  const second = await JudgingNode.start(context, server, { node: 'edge-2', user: 'edge-2' });
  await eventually(() => second.election.isLeader);
  await eventually(() => server.audit.entries({ user: 'edge-2', resource: 'serviceentries', verb: 'list' }).length > 0);
  server.patch(SHOP, BROKEN);
  second.road.look();
  await eventually(() => conditionOf(server, 'VirtualService', 'shop')?.['status'] === 'False');
  assert.equal(server.audit.entries({ user: 'edge-2', subresource: 'status', verb: 'patch' }).length, 1);
});

test('what somebody has just applied does not wait behind what was found on the way', async (context) => {
  const server = await shopServer(context);
  server.apply(...manyShops(2_000));
  const { road } = await JudgingNode.start(context, server, { factor: 4 });
  await eventually(() => statusWrites(server) >= 50, { timeoutMs: 20_000 });
  server.patch(SHOP, BROKEN);
  road.look();
  const before = statusWrites(server);
  await eventually(() => conditionOf(server, 'VirtualService', 'shop')?.['status'] === 'False', { timeoutMs: 20_000 });
  const meanwhile = statusWrites(server) - before;
  assert.ok(meanwhile < 500, `${meanwhile} others were written before it`);
});

test('an API server that has too many requests is left alone for as long as it asks', async (context) => {
  const server = await shopServer(context);
  server.apply(...manyShops(200));
  server.faults.answer(429, { verbs: ['patch'], retryAfterSeconds: 20, times: 1 });
  await JudgingNode.start(context, server, { factor: 20 });
  await eventually(() => server.audit.entries({ verb: 'patch', code: 429 }).length > 0);
  const [at, writes] = [performance.now(), statusWrites(server)];
  // A few were under way.
  await eventually(() => statusWrites(server) >= writes + 20, { timeoutMs: 20_000 });
  assert.ok(performance.now() - at >= 900, 'twenty seconds of the writer are one of ours');
});

test('of an object that changes all the time the condition is not written all the time', async (context) => {
  const server = await shopServer(context);
  const { road } = await JudgingNode.start(context, server, { factor: 20 });
  await eventually(() => conditionOf(server, 'VirtualService', 'shop'));
  const before = statusWrites(server);
  const until = performance.now() + 2_000;
  for (let i = 0; performance.now() < until; i += 1) {
    server.patch(SHOP, i % 2 === 0 ? BROKEN : MENDED);
    road.look();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const during = statusWrites(server) - before;
  assert.ok(during <= 14, `${during} writes in 40 seconds of the writer's time`);
  server.patch(SHOP, MENDED);
  road.look();
  await eventually(
    () =>
      conditionOf(server, 'VirtualService', 'shop')?.['observedGeneration'] ===
      server.object(SHOP)?.metadata.generation,
  );
});

test('where a definition of Istio drops the generation, a condition that is right is not written again', async (context) => {
  const server = await shopServer(context);
  dropGenerations(server);
  const { road, election } = await JudgingNode.start(context, server);
  const condition = await eventually(() => conditionOf(server, 'VirtualService', 'shop'));
  assert.equal(condition['observedGeneration'], undefined);
  await eventually(() => conditionOf(server, 'Gateway', 'edge'));
  road.look();
  await election.stop();
  const second = await JudgingNode.start(context, server, { node: 'edge-2', user: 'edge-2' });
  await eventually(() => second.election.isLeader);
  server.patch(SHOP, BROKEN);
  second.road.look();
  await eventually(() => conditionOf(server, 'VirtualService', 'shop')?.['status'] === 'False');
  assert.equal(statusWrites(server), 3);
});

/** As Istio's definitions were when conditions had a schema, and no generation in it. */
function dropGenerations(server: ApiServer): void {
  const texts = ['type', 'status', 'reason', 'message', 'lastTransitionTime', 'lastProbeTime'];
  const properties = Object.fromEntries(texts.map((name) => [name, { type: 'string' }]));
  const status = {
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
    properties: { conditions: { type: 'array', items: { type: 'object', properties } } },
  };
  for (const definition of server.objects('customresourcedefinitions.apiextensions.k8s.io')) {
    const copy = structuredClone(definition) as typeof definition & {
      spec: { versions: { schema: { openAPIV3Schema: Record<string, unknown> } }[] };
    };
    for (const { schema } of copy.spec.versions) schema.openAPIV3Schema['properties'] = { status };
    server.apply(copy);
  }
}

test('WorkloadEntries and policies say what is wrong with them, and nothing when all is well', async (context) => {
  const server = await shopServer(context);
  const workload = (name: string, spec: object): KubeObject => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'WorkloadEntry',
    metadata: { namespace: 'default', name },
    spec: { address: '192.0.2.9', ...spec },
  });
  const healthy = { type: 'Healthy', status: 'True', reason: 'probe' };
  server.apply(workload('good', {}), workload('bad', { wieght: 1 }), {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { namespace: 'istio-system', name: 'closed' },
    spec: { action: 'DENY', rules: [{ from: [{ source: { ipBlocks: ['192.0.2.0/24'] } }] }] },
  });
  server.patch(workload('bad', {}), { status: { conditions: [healthy] } });
  await JudgingNode.start(context, server);
  const bad = await eventually(() => conditionOf(server, 'WorkloadEntry', 'bad'));
  assert.deepEqual([bad['status'], bad['reason']], ['False', 'MG0201']);
  const { conditions = [] } = (server.object(workload('bad', {}))?.['status'] ?? {}) as { conditions?: unknown[] };
  assert.deepEqual(conditions[0], healthy);
  const closed = await eventually(() => server.objects('authorizationpolicies.security.istio.io').at(0)?.['status']);
  assert.match(JSON.stringify(closed), /"status":"False","reason":"MG0401"/);
  await eventually(() => conditionOf(server, 'VirtualService', 'shop'));
  assert.equal(conditionOf(server, 'WorkloadEntry', 'good'), undefined);
});

test('a leader that does not know the whole cluster yet says nothing; then what it finds costs one request each', async (context) => {
  const server = await shopServer(context);
  server.apply(...manyShops(20));
  const { road, election, writer } = await JudgingNode.start(context, server, { knows: 'part' });
  await eventually(() => election.isLeader);
  const leases = () => server.audit.entries({ resource: 'leases', verb: 'update' }).length;
  road.look('part');
  const before = leases();
  await eventually(() => leases() >= before + 3);
  assert.equal(server.audit.entries({ subresource: 'status' }).length, 0);
  assert.deepEqual(writer.figures, { waiting: 0, answered: 0, failed: 0 });
  road.look();
  await eventually(() => statusWrites(server) === 22);
  await eventually(() => writer.figures.answered >= 22 && writer.figures.waiting === 0);
  assert.equal(writer.figures.failed, 0);
  assert.equal(server.audit.entries({ verb: 'get', subresource: 'status' }).length, 0);
});

test('nothing is said of a version that was not judged here', async (context) => {
  const server = await shopServer(context);
  const node = await JudgingNode.start(context, server);
  await eventually(() => conditionOf(server, 'VirtualService', 'shop'));
  server.patch(SHOP, BROKEN);
  // The node has not seen it, and has something else to say of the version that it knows.
  const object = { kind: 'VirtualService', namespace: 'default', name: 'shop' };
  node.road.controller.report('test', [{ severity: 'warning', code: 'MG0202', message: 'Of old.', object }]);
  await eventually(() => server.audit.entries({ verb: 'get', subresource: 'status', name: 'shop' }).length >= 1);
  assert.equal(conditionOf(server, 'VirtualService', 'shop')?.['observedGeneration'], 1);
});

test('an object of the mesh, or of another gateway, gets no condition, and loses the one it had', async (context) => {
  const server = await shopServer(context);
  const { road } = await JudgingNode.start(context, server);
  await eventually(() => conditionOf(server, 'VirtualService', 'shop'));
  server.patch(SHOP, { spec: { gateways: ['mesh'] } });
  road.look();
  await eventually(() => conditionOf(server, 'VirtualService', 'shop') === undefined);
});

test('when the leader falls away another takes over within the lease time, and writes nothing twice', async (context) => {
  const server = await shopServer(context, { doors: 2 });
  server.patch(SHOP, BROKEN);
  const first = await JudgingNode.start(context, server, { node: 'edge-1', user: 'edge-1', door: 0 });
  await eventually(() => conditionOf(server, 'VirtualService', 'shop') && eventsOf(server).length > 0);
  const second = await JudgingNode.start(context, server, { node: 'edge-2', user: 'edge-2', door: 1 });
  await eventually(() => conditionOf(server, 'Gateway', 'edge'));
  assert.ok(first.election.isLeader && !second.election.isLeader);
  const [writes, events] = [statusWrites(server), eventsOf(server)];
  // As if its host had died: nothing of it arrives any more.
  await server.faults.down(0);
  await eventually(() => second.election.isLeader, { timeoutMs: 10_000 });
  assert.ok(!first.election.isLeader);
  await eventually(() => server.audit.entries({ user: 'edge-2', verb: 'list' }).length > 0);
  server.patch(SHOP, MENDED);
  second.road.look();
  await eventually(() => conditionOf(server, 'VirtualService', 'shop')?.['status'] === 'True');
  assert.equal(statusWrites(server), writes + 1);
  assert.deepEqual(eventsOf(server), events);
});

test('who loses the lease stops in the middle of its work, before its next request', async (context) => {
  const server = await shopServer(context);
  server.apply(...manyShops(1_000));
  const { election } = await JudgingNode.start(context, server);
  await eventually(() => statusWrites(server) >= 5);
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: 'istio-system', name: 'mesh-gateway' },
  };
  server.patch(lease, { spec: { holderIdentity: 'edge-9_stolen' } });
  await eventually(() => !election.isLeader);
  const [writes, requests] = [statusWrites(server), server.audit.entries({ subresource: 'status' }).length];
  assert.ok(writes < 1_000, `${writes} were written already`);
  await eventually(() => server.audit.entries({ resource: 'leases', verb: 'get' }).length >= 5);
  assert.ok(statusWrites(server) <= writes + 1, 'one may have been under way');
  assert.ok(server.audit.entries({ subresource: 'status' }).length <= requests + 1);
});

test('a definition without status is told once, and not tried again; its objects get Events', async (context) => {
  const server = await shopServer(context);
  const crds = server.objects('customresourcedefinitions.apiextensions.k8s.io');
  for (const crd of crds) {
    const copy = structuredClone(crd) as typeof crd & { spec: { versions: { subresources?: unknown }[] } };
    for (const version of copy.spec.versions) delete version.subresources;
    server.apply(copy);
  }
  server.patch(SHOP, BROKEN);
  const node = await JudgingNode.start(context, server);
  await eventually(() => node.problems.some(({ code }) => code === 'MG1402') && eventsOf(server).length > 0);
  assert.deepEqual([...new Set(node.problems.map(({ severity }) => severity))], ['info']);
  assert.equal(statusWrites(server), 0);
});

test('a refusal is a problem that names the right; everything else goes on', async (context) => {
  const server = await shopServer(context);
  server.patch(SHOP, BROKEN);
  const allow = server.faults.answer(403, {
    verbs: ['patch'],
    resources: ['virtualservices.networking.istio.io'],
  });
  const node = await JudgingNode.start(context, server);
  const [problem] = await eventually(() => node.problems.length > 0 && node.problems);
  assert.ok(problem?.code === 'MG1402' && problem.severity === 'warning');
  await eventually(() => conditionOf(server, 'Gateway', 'edge') && eventsOf(server).length > 0);
  allow();
});

test('what a server refuses that has just started is written half a minute later', async (context) => {
  const server = await shopServer(context);
  const virtualServices = { verbs: ['patch'], resources: ['virtualservices.networking.istio.io'], times: 1 };
  server.faults.answer(403, virtualServices);
  const node = await JudgingNode.start(context, server);
  await eventually(() => node.problems.length > 0);
  await eventually(() => conditionOf(server, 'VirtualService', 'shop') !== undefined && node.problems.length === 0, {
    timeoutMs: 10_000,
    what: 'it is written, and no problem any more',
  });
});

test('one object that is refused is named, and keeps no other from its condition', async (context) => {
  const server = await shopServer(context);
  server.faults.answer(422, { verbs: ['patch'], resources: ['gateways.networking.istio.io'], times: 1 });
  server.apply(...objectsOf(gatewayYaml('edge-b')));
  const node = await JudgingNode.start(context, server);
  const refused = await eventually(() => node.problems.length > 0 && node.problems);
  assert.match(refused[0]?.message ?? '', /what became of Gateway\/default\/edge(-b)? as a condition/);
  await eventually(() => conditionOf(server, 'Gateway', 'edge') ?? conditionOf(server, 'Gateway', 'edge-b'));
  await eventually(() => conditionOf(server, 'VirtualService', 'shop'));
});

test('an API server that is down for a while is waited for, and then gets everything', async (context) => {
  const server = await shopServer(context);
  const node = await JudgingNode.start(context, server);
  await eventually(() => conditionOf(server, 'VirtualService', 'shop'));
  server.faults.answer(503, { verbs: ['get', 'patch'], resources: ['virtualservices.networking.istio.io'], times: 3 });
  server.patch(SHOP, BROKEN);
  node.road.look();
  await eventually(() => conditionOf(server, 'VirtualService', 'shop')?.['status'] === 'False');
  assert.deepEqual(node.problems, []);
});
