import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { AccessFile } from '#gateway/control/kubernetes/access-file.ts';
import { ApiClient } from '#gateway/control/kubernetes/api-client.ts';
import { ApiError } from '#gateway/control/kubernetes/api-error.ts';
import { Discovery } from '#gateway/control/kubernetes/discovery.ts';
import { type Lease, microTime } from '#gateway/control/leader/lease.ts';
import { Leases, NoLeases } from '#gateway/control/leader/leases.ts';
import { ApiServer, type ApiServerOptions } from '../../kit/api-server/api-server.ts';
import { temporaryFolder } from '../../kit/temporary-folder.ts';

const OPTIONS = { timeoutMs: 5_000 };

async function leasesOf(context: TestContext, options: ApiServerOptions = {}): Promise<Leases> {
  const server = await ApiServer.start(options);
  context.after(() => server.stop());
  server.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } });
  const kubeconfig = path.join(temporaryFolder(context), 'kubeconfig');
  writeFileSync(kubeconfig, server.kubeconfig());
  const api = new ApiClient(new AccessFile({ kubeconfig }));
  context.after(() => api.close());
  const discovery = new Discovery(api, ['coordination.k8s.io']);
  const leases = new Leases({ api, discovery, namespace: 'istio-system' });
  await assert.rejects(() => leases.get('any', OPTIONS), ApiError, 'nothing is known yet');
  await discovery.refresh();
  return leases;
}

function aLease(holder: string): Lease {
  const now = microTime(Date.now());
  return {
    name: 'mesh-gateway',
    labels: { 'app.kubernetes.io/name': 'mesh-gateway' },
    annotations: { note: 'kept' },
    holder,
    durationSeconds: 15,
    acquiredAt: now,
    renewedAt: now,
    transitions: 3,
  };
}

const versions: readonly [string, ApiServerOptions][] = [
  ['v1', {}],
  ['v1beta1 of Kubernetes 1.12', { version: '1.12' }],
];
for (const [name, options] of versions)
  test(`a Lease of ${name} is made once, read, listed, and updated only from its newest version`, async (context) => {
    const leases = await leasesOf(context, options);
    assert.equal(await leases.get('mesh-gateway', OPTIONS), undefined);
    const made = await leases.create(aLease('edge-1_aa'), OPTIONS);
    const { resourceVersion, ...rest } = made;
    assert.deepEqual(rest, { ...aLease('edge-1_aa'), acquiredAt: rest.acquiredAt, renewedAt: rest.renewedAt });
    await assert.rejects(() => leases.create(aLease('edge-2_bb'), OPTIONS), { status: 409 });
    const renewed = await leases.update({ ...made, transitions: 4 }, OPTIONS);
    assert.notEqual(renewed.resourceVersion, resourceVersion);
    await assert.rejects(() => leases.update({ ...made, holder: 'edge-2_bb' }, OPTIONS), { status: 409 });
    assert.deepEqual(await leases.list('app.kubernetes.io/name=mesh-gateway', OPTIONS), [renewed]);
    assert.deepEqual(await leases.list('app.kubernetes.io/name=other', OPTIONS), []);
    const { holder: _holder, ...free } = renewed;
    assert.equal((await leases.update(free, OPTIONS)).holder, undefined);
  });

test('an API server without Leases is told from one that has not answered yet', async (context) => {
  const leases = await leasesOf(context, { without: ['coordination.k8s.io'] });
  await assert.rejects(() => leases.get('mesh-gateway', OPTIONS), NoLeases);
});
