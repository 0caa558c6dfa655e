import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { KubeObject } from '../kit/api-server/kube-object.ts';
import { ClusterGateway, MYAPP } from '../kit/cluster-gateway.ts';
import { appliedManifests } from '../kit/cluster-manifests.ts';
import { eventually } from '../kit/eventually.ts';
import { get } from '../kit/gateway.ts';

// What a cluster holds beside routes: it closes hosts, or is told, with the whole program watching.
let cluster: ClusterGateway;

before(async () => {
  cluster = await ClusterGateway.start();
  await becomes(200);
  assert.deepEqual(await cluster.gateway.problems(), []);
});

after(() => cluster?.stop());

const becomes = (status: number) =>
  eventually(async () => (await get(cluster.gateway.httpPort, '/')).status === status);

/** Applies an object, waits until it is told in these words, and takes it away again. */
async function told(object: KubeObject, words: RegExp): Promise<void> {
  cluster.server.apply(object);
  await eventually(async () => (await cluster.gateway.problems()).some((text) => words.test(text)), {
    what: String(words),
  });
  cluster.server.delete(object);
  await eventually(async () => (await cluster.gateway.problems()).length === 0);
}

test('a policy for the gateway closes its hosts until it is deleted', async () => {
  const policy = {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'office-only', namespace: 'istio-system' },
    spec: {
      selector: { matchLabels: { app: 'istio-ingressgateway' } },
      rules: [{ to: [{ operation: { paths: ['/x'] } }] }],
    },
  };
  cluster.server.apply(policy);
  await becomes(403);
  cluster.server.patch(policy, { spec: { selector: { matchLabels: { app: 'myapp' } } } });
  await becomes(200);
  cluster.server.patch(policy, { spec: { selector: { matchLabels: { app: 'istio-ingressgateway' } } } });
  await becomes(403);
  cluster.server.delete(policy);
  await becomes(200);
});

test('what is not enforced, and what stands in the way, is told while traffic goes on', async () => {
  const { httpPort } = cluster.gateway;
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'myapp-v1', namespace: 'default' } };
  cluster.server.patch(pod, { metadata: { annotations: { 'sidecar.istio.io/status': '{}' } } });
  await told(
    {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'default', namespace: 'default' },
      spec: { mtls: { mode: 'STRICT' } },
    },
    /accept mutual TLS only \(PeerAuthentication default\/default is STRICT\)/,
  );
  await told(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'istio-ingressgateway', namespace: 'istio-system' },
      spec: { type: 'NodePort', ports: [{ port: 80, nodePort: httpPort }] },
    },
    new RegExp(`Node port ${httpPort} is a port for traffic of this gateway`),
  );
  await told(
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'old', namespace: 'default' },
      spec: { ingressClassName: 'istio' },
    },
    /Its class istio hands it to this gateway/,
  );
  assert.equal((await get(httpPort, '/')).status, 200);
});

test('a field that the API server dropped from what was applied is told', async () => {
  const { spec } = cluster.server.object(MYAPP) as KubeObject & { spec: Record<string, unknown> };
  const applied = JSON.stringify({ spec: { ...spec, exportTwo: ['*'] } });
  const annotate = (value: string | null) =>
    cluster.server.patch(MYAPP, {
      metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': value } },
    });
  annotate(applied);
  await eventually(async () =>
    (await cluster.gateway.problems()).some((text) => text.includes('dropped it') && text.includes('"exportTo"?')),
  );
  assert.equal((await get(cluster.gateway.httpPort, '/')).status, 200);
  annotate(null);
  await eventually(async () => (await cluster.gateway.problems()).length === 0);
});

test('a node that may not read policies answers 403 and names the right; with it, and in any outage after that, it serves', async () => {
  const account = 'system:serviceaccount:istio-system:mesh-gateway';
  const rights = appliedManifests();
  const fewer = rights.map((manifest) => ({
    ...manifest,
    ...(manifest.rules && {
      rules: manifest.rules.filter(({ apiGroups }) => !apiGroups.includes('extensions.istio.io')),
    }),
  }));
  const poor = await ClusterGateway.start({ account, server: { rbac: 'enforced' }, objects: fewer });
  const { gateway, server, way } = poor;
  const answers = (status: number) => eventually(async () => (await get(gateway.httpPort, '/')).status === status);
  const isWell = () =>
    eventually(async () => (await gateway.problems()).length === 0, { timeoutMs: 20_000, what: 'nothing is wrong' });
  try {
    await answers(403);
    const told = await gateway.problems();
    assert.equal(told.length, 2, 'one for each kind');
    assert.match(told.join(' '), /WasmPlugin objects may not be read.*resources: \[wasmplugins\].*answer 403/);
    server.apply(...rights);
    await answers(200);
    await isWell();
    const kept = path.join(gateway.dir, 'state/accepted/policy-reads.json');
    await eventually(() => readFileSync(kept, 'utf8').includes('"WasmPlugin":[""]'));
    assert.equal(statSync(kept).mode & 0o777, 0o600);
    await gateway.terminate();
    await way.down();
    await gateway.boot();
    const metrics = async () => (await get(gateway.metricsPort, '/metrics')).body;
    await eventually(async () => /source_synced 1\n/.test(await metrics()), { timeoutMs: 20_000, what: 'it goes on' });
    await answers(200);
    await way.up();
    await isWell();
    await answers(200);
  } finally {
    await poor.stop();
  }
});
