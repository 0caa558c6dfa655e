/** Where endpoints are decides who gets requests, from a cluster and from a folder alike; whatever goes away, no request fails. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import type { KubeObject } from '../kit/api-server/kube-object.ts';
import { type Backend, startBackend } from '../kit/backend.ts';
import { ClusterGateway } from '../kit/cluster-gateway.ts';
import { eventually } from '../kit/eventually.ts';
import { get, request, TestGateway } from '../kit/gateway.ts';
import { startLoad } from '../kit/load.ts';
import { gatewayYaml } from '../kit/myapp.ts';
import { nearRoute } from '../kit/near-route.ts';
import { freePorts } from '../kit/ports.ts';

const HOST = { host: 'near.example' };

/** A source of objects with the program that reads them. */
type Place = {
  readonly gateway: TestGateway;
  apply(...objects: KubeObject[]): void;
  stop(): Promise<void>;
};

const settings = { node: 'edge' };

async function cluster(objects: readonly KubeObject[]): Promise<Place> {
  const all = await ClusterGateway.start({ objects, settings });
  return {
    gateway: all.gateway,
    apply: (...changed) => all.server.apply(...changed),
    stop: () => all.stop(),
  };
}

async function folder(objects: readonly KubeObject[]): Promise<Place> {
  const file = ({ kind, metadata }: KubeObject): string => `${kind}-${metadata.name}.yaml`;
  const routes = Object.fromEntries(objects.map((object) => [file(object), stringify(object)]));
  const gateway = await TestGateway.start({ routes: { ...routes, 'gateway.yaml': gatewayYaml }, settings });
  return {
    gateway,
    apply: (...changed) => changed.forEach((object) => gateway.writeRoute(file(object), stringify(object))),
    stop: () => gateway.stop(),
  };
}

let here: Backend;
let there: Backend;

before(async () => {
  const [port = 0] = await freePorts(1);
  here = await startBackend('here', { address: '127.0.0.2', port });
  there = await startBackend('there', { address: '127.0.0.3', port });
});

after(() => Promise.all([here?.close(), there?.close()]));

for (const [source, open] of Object.entries({ cluster, folder }))
  describe(`from a ${source}`, () => {
    let place: Place;

    before(async () => {
      place = await open([...nodes(), aService({}), nearRoute(), aRule({ outlierDetection: {} }), aSlice({})]);
      await eventually(async () => (await answers()).includes('here'), {
        timeoutMs: 20_000,
        what: 'the route is served',
      });
    });

    after(() => place?.stop());

    /** Who answers, of so many requests. */
    async function answers(count = 40): Promise<string> {
      const all = await Promise.all(Array.from({ length: count }, () => get(place.gateway.httpPort, '/', HOST)));
      return [...new Set(all.map(({ status, body }) => (status === 200 ? body.trim() : String(status))))].sort().join();
    }

    const become = (expected: string) =>
      eventually(async () => (await answers()) === expected, {
        timeoutMs: 20_000,
        what: `answers come from ${expected}`,
      });

    test('another zone gets nothing while an endpoint of ours is ready, takes over when the last one goes, and gives back', async () => {
      await become('here');
      const before = there.requests();
      const load = startLoad({ port: place.gateway.httpPort, headers: HOST });
      await eventually(() => load.answered() > 500, { timeoutMs: 20_000 });
      assert.equal(there.requests(), before);
      place.apply(aSlice({ isHereReady: false }));
      await become('there');
      place.apply(aSlice({}));
      await become('here');
      const { failed, reasons } = await load.stop();
      assert.equal(failed, 0, reasons.join());
    });

    test('an endpoint of ours that dies unannounced is made up for by another zone', async () => {
      const load = startLoad({ port: place.gateway.httpPort, headers: HOST, keptAlive: 2, fresh: 2 });
      await eventually(() => load.answered() > 100, { timeoutMs: 20_000 });
      const { address, port } = here;
      await here.finish();
      await become('there');
      here = await startBackend('here', { address, port });
      await become('here');
      const { failed, reasons } = await load.stop();
      assert.equal(failed, 0, reasons.join());
    });

    test('labels of Nodes count as they are now, of our own as of others', async () => {
      place.apply(aNode('edge', 'b'));
      await become('there');
      place.apply(aNode('edge', 'a'));
      await become('here');
      place.apply(aNode('node-a', 'b'), aNode('node-b', 'a'));
      await become('there');
      place.apply(aNode('node-a', 'a'), aNode('node-b', 'b'));
      await become('here');
    });

    test('people see where the gateway stands, and how near an endpoint is', async () => {
      const list = async (name: string): Promise<Record<string, unknown>[]> => {
        const socketPath = place.gateway.socket;
        const answer = await request({ socketPath, path: `/api/v1/${name}`, headers: { host: 'localhost' } });
        return (JSON.parse(answer.body) as { items: Record<string, unknown>[] }).items;
      };
      assert.deepEqual(
        (await list('nodes')).map(({ locality }) => locality),
        ['r/a'],
      );
      const near = (await list('endpoints')).filter(({ cluster }) => String(cluster).includes('near.default'));
      assert.deepEqual(
        near.map(({ address, priority }) => [address, priority]),
        [
          [here.address, undefined],
          [there.address, 1],
        ],
      );
    });

    test('hints count when the Service asks for them', async () => {
      place.apply(aRule({ loadBalancer: { simple: 'RANDOM' } }));
      await become('here,there');
      place.apply(aService({ annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } }));
      place.apply(aSlice({ hints: ['b', 'a'] }));
      await become('there');
      place.apply(aSlice({ hints: ['a'] }));
      await become('here,there');
      place.apply(aSlice({ hints: ['a', 'b'] }));
      await become('here');
    });

    test('shares are given out by locality', async () => {
      const distribute = [{ from: 'r/a/*', to: { 'r/a': 75, 'r/b': 25 } }];
      place.apply(aRule({ loadBalancer: { localityLbSetting: { distribute } } }), aService({}));
      await become('here,there');
      await eventually(
        async () => {
          const [before, all] = [there.requests(), 400];
          await answers(all);
          return Math.abs(there.requests() - before - all / 4) < all / 20;
        },
        { timeoutMs: 20_000, what: 'a quarter goes there' },
      );
    });

    test('the place of the gateway and what was asked for raise no Problem', async () => {
      const problems = await place.gateway.problems();
      assert.deepEqual(problems, []);
    });
  });

function nodes(): KubeObject[] {
  return [aNode('edge', 'a'), aNode('node-a', 'a'), aNode('node-b', 'b')];
}

function aNode(name: string, zone: string): KubeObject {
  const labels = { 'topology.kubernetes.io/region': 'r', 'topology.kubernetes.io/zone': zone };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, status: {} };
}

function aService({ annotations = {} }: { annotations?: Record<string, string> }): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'near', namespace: 'default', annotations },
    spec: { ports: [{ port: 80, name: 'http' }] },
  };
}

function aRule(trafficPolicy: object): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'near', namespace: 'default' },
    spec: { host: 'near', trafficPolicy },
  };
}

function aSlice({ isHereReady = true, hints = [] as string[] }): KubeObject {
  const endpoint = (backend: Backend, index: number) => ({
    addresses: [backend.address],
    nodeName: index === 0 ? 'node-a' : 'node-b',
    conditions: { ready: index > 0 || isHereReady },
    ...(hints[index] !== undefined && { hints: { forZones: [{ name: hints[index] }] } }),
  });
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'near-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'near' } },
    addressType: 'IPv4',
    endpoints: [here, there].map(endpoint),
    ports: [{ name: 'http', port: here.port, protocol: 'TCP' }],
  };
}
