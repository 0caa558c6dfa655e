import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ClusterGateway } from '../kit/cluster-gateway.ts';
import { eventually } from '../kit/eventually.ts';
import { get } from '../kit/gateway.ts';

let cluster: ClusterGateway;

before(async () => {
  cluster = await ClusterGateway.start();
});

after(() => cluster?.stop());

/** The versions that answer, of so many requests. */
async function versions(count = 40): Promise<string[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => get(cluster.gateway.httpPort, '/')));
  return [...new Set(answers.map(({ status, body }) => (status === 200 ? body.trim() : `${status} ${body}`)))].sort();
}

test('the objects of a cluster are served', async () => {
  assert.deepEqual(await versions(), ['v1', 'v2']);
  assert.deepEqual(await cluster.gateway.problems(), []);
});

test('a change of weights is served by all workers in under 200 ms', async () => {
  const times: number[] = [];
  for (const [v1, v2] of [
    [100, 0],
    [0, 100],
    [100, 0],
  ] as const) {
    const version = Math.max(...(await cluster.gateway.workers()).map((worker) => worker.version));
    const begin = performance.now();
    cluster.setWeights(v1, v2);
    await eventually(async () => (await cluster.gateway.workers()).every((worker) => worker.version > version));
    times.push(performance.now() - begin);
    assert.deepEqual(await versions(), [v1 === 100 ? 'v1' : 'v2']);
  }
  assert.ok(Math.min(...times) < 200, `served after ${times.map(Math.round).join(', ')} ms`);
});

test('a pod that comes is served, and one that is not ready gets nothing', async () => {
  cluster.setWeights(50, 50);
  await eventually(async () => (await versions()).length === 2);
  const ref = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'myapp-1', namespace: 'default' },
  };
  const slice = cluster.server.object(ref) as { endpoints?: { conditions: object }[] } | undefined;
  const endpoints = structuredClone(slice?.endpoints ?? []);
  const [, second] = endpoints;
  if (second !== undefined) second.conditions = { ready: false, serving: false, terminating: false };
  cluster.server.patch(ref, { endpoints });
  await eventually(async () => (await versions()).join().includes('503'), { what: 'v2 has no endpoint' });
  cluster.server.patch(ref, { endpoints: slice?.endpoints });
  await eventually(async () => (await versions()).join() === 'v1,v2');
});
