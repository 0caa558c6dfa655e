/** A cluster of two API servers, of which the program knows both: as long as one answers, changes are served. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ApiServer } from '#test/kit/api-server/api-server.ts';
import { isRealCluster, TestCluster } from '#test/kit/cluster.ts';
import { prepareAccount } from '#test/kit/cluster-account.ts';
import { ClusterApp } from '#test/kit/cluster-app.ts';
import { eventually } from '#test/kit/eventually.ts';
import { get, TestGateway } from '#test/kit/gateway.ts';
import { requires, sharedDir } from '#test/kit/require.ts';

const OWNERS_OBJECTS = `${sharedDir}/seed/app-gateway.yaml`;
const skip =
  requires({ shared: true, programs: ['kubectl'] }) ||
  (isRealCluster() && "a real cluster's API servers are not ours to stop");

describe('a cluster of two API servers', { skip }, () => {
  let cluster: TestCluster;
  let server: ApiServer;
  let namespace: string;
  let app: ClusterApp;
  let gateway: TestGateway;

  before(async () => {
    cluster = await TestCluster.open({ doors: 2, rbac: 'enforced', bookmarkIntervalMs: 1_000 });
    assert.ok(cluster.server);
    server = cluster.server;
    await cluster.installIstioKinds();
    namespace = await cluster.namespace();
    const kubeconfig = await prepareAccount(cluster, namespace);
    app = await ClusterApp.start(cluster, namespace);
    await cluster.run(['-n', namespace, 'apply', '-f', OWNERS_OBJECTS]);
    const kubernetes = { kubeconfig, namespaces: [namespace], servers: server.urls.slice(1) };
    gateway = await TestGateway.start({ routes: {}, settings: { source: { kubernetes }, namespace } });
  });
  after(async () => {
    await server?.faults.clear();
    await gateway?.stop();
    await app?.close();
    await cluster?.close();
  });

  for (const [door, which] of ['first', 'second'].entries())
    it(`serves changes while the ${which} one is down, and answers every request`, async () => {
      await server.faults.down(door);
      const requests = keepRequesting();
      await weightsAreServed(100, 'v1');
      await weightsAreServed(0, 'v2');
      const failures = await requests.stop();
      assert.deepEqual(failures, []);
      await server.faults.up(door);
    });

  async function weightsAreServed(v1: number, version: string): Promise<void> {
    const ref = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'myapp', namespace },
    };
    const destinations = ['v1', 'v2'].map((subset) => ({ host: 'myapp', subset }));
    const route = destinations.map((destination, index) => ({ destination, weight: index === 0 ? v1 : 100 - v1 }));
    server.patch(ref, { spec: { http: [{ route }] } });
    await eventually(
      async () => {
        const answers = await Promise.all(Array.from({ length: 12 }, () => get(gateway.httpPort, '/')));
        return answers.every(({ body }) => body.trim() === version);
      },
      { timeoutMs: 20_000, what: `${version} alone answers` },
    );
  }

  /** One request after the other until `stop`, which tells what was no 200. */
  function keepRequesting(): { stop(): Promise<string[]> } {
    const failures: string[] = [];
    const stopped = new AbortController();
    const loop = (async () => {
      while (!stopped.signal.aborted) {
        const answer = await get(gateway.httpPort, '/').catch((error: unknown) => ({ status: String(error) }));
        if (answer.status !== 200) failures.push(String(answer.status));
      }
    })();
    return {
      stop: async () => {
        stopped.abort();
        await loop;
        return failures;
      },
    };
  }
});
