/** Behind node ports: only nodes on which somebody answers get requests, as Nodes and pods come and go under traffic. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { KubeObject } from '../kit/api-server/kube-object.ts';
import { type Backend, startBackend } from '../kit/backend.ts';
import { ClusterGateway } from '../kit/cluster-gateway.ts';
import { eventually } from '../kit/eventually.ts';
import { get } from '../kit/gateway.ts';
import { startLoad } from '../kit/load.ts';
import { nearRoute } from '../kit/near-route.ts';

const HOST = { host: 'near.example' };
/** Where kube-proxy would listen on every node. */
const NODE_PORT = 30_987;

let cluster: ClusterGateway;
let nodes: Backend[];

before(async () => {
  nodes = await Promise.all(
    ['127.0.0.4', '127.0.0.5'].map((address, index) => startBackend(`node-${index + 1}`, { address, port: NODE_PORT })),
  );
  cluster = await ClusterGateway.start({
    source: { endpoints: 'nodePort' },
    objects: [aNode(0), aNode(1), aService('Cluster'), nearRoute(), aSlice([true, false])],
  });
});

after(async () => {
  await cluster?.stop();
  await Promise.all((nodes ?? []).map((node) => node.close()));
});

/** Who answers, of so many requests. */
async function answers(): Promise<string> {
  const all = await Promise.all(Array.from({ length: 30 }, () => get(cluster.gateway.httpPort, '/', HOST)));
  return [...new Set(all.map(({ status, body }) => (status === 200 ? body.trim() : String(status))))].sort().join();
}

function become(expected: string): Promise<unknown> {
  return eventually(async () => (await answers()) === expected, {
    timeoutMs: 20_000,
    what: `answers come from ${expected}`,
  });
}

test('all nodes are asked, wherever the pods are; those that are leaving or not ready are spared', async () => {
  await become('node-1,node-2');
  const load = startLoad({ port: cluster.gateway.httpPort, headers: HOST });
  cluster.server.apply(aNode(0, { ready: 'Unknown' }));
  await become('node-2');
  cluster.server.apply(aNode(0), aNode(1, { label: 'node.kubernetes.io/exclude-from-external-load-balancers' }));
  await become('node-1');
  cluster.server.apply(aNode(1));
  await become('node-1,node-2');
  const { failed, reasons } = await load.stop();
  assert.equal(failed, 0, reasons.join());
});

test('with externalTrafficPolicy: Local only nodes with a ready pod are asked, and no request is lost when it moves', async () => {
  cluster.server.apply(aService('Local'));
  await become('node-1');
  const load = startLoad({ port: cluster.gateway.httpPort, headers: HOST });
  cluster.server.apply(aSlice([true, true]));
  await become('node-1,node-2');
  cluster.server.apply(aSlice([false, true]));
  await become('node-2');
  const { failed, reasons } = await load.stop();
  assert.equal(failed, 0, reasons.join());
  cluster.server.apply(aSlice([false, false]));
  await become('503');
  cluster.server.apply(aService('Cluster'));
  await become('node-1,node-2');
});

function aNode(index: number, { ready = 'True', label = 'zone' } = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: `node-${index + 1}`, labels: { [label]: '' } },
    status: {
      addresses: [{ type: 'InternalIP', address: nodes[index]?.address }],
      conditions: [{ type: 'Ready', status: ready }],
    },
  };
}

function aService(externalTrafficPolicy: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'near', namespace: 'default' },
    spec: { type: 'NodePort', externalTrafficPolicy, ports: [{ port: 80, name: 'http', nodePort: NODE_PORT }] },
  };
}

function aSlice(ready: readonly boolean[]): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'near-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'near' } },
    addressType: 'IPv4',
    endpoints: ready.map((isReady, index) => ({
      addresses: [`10.1.0.${index + 1}`],
      nodeName: `node-${index + 1}`,
      conditions: { ready: isReady },
    })),
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  };
}
