/** The renewal over the wire: the account and its rights of config/cluster, an API server that enforces them. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { AccessFile } from '#gateway/control/kubernetes/access-file.ts';
import { ApiClient } from '#gateway/control/kubernetes/api-client.ts';
import { TokenRenewal } from '#gateway/control/kubernetes/token-renewal.ts';
import { realTimers } from '#gateway/support/timers.ts';
import { ApiServer } from '#test/kit/api-server/api-server.ts';
import { appliedManifests } from '#test/kit/cluster-manifests.ts';
import { eventually } from '#test/kit/eventually.ts';
import { temporaryFolder } from '#test/kit/temporary-folder.ts';

const account = 'system:serviceaccount:istio-system:mesh-gateway';
const virtualServices = { method: 'GET', path: '/apis/networking.istio.io/v1/virtualservices' } as const;
const days = 86_400_000;

test('a client goes on with a renewed token when the one of its kubeconfig has ended, also after a restart', async (t) => {
  const server = await ApiServer.start({ rbac: 'enforced' });
  t.after(() => server.stop());
  server.apply(...appliedManifests());
  const folder = temporaryFolder(t);
  const token = server.token({ user: account, expiresInMs: 30 * days });
  writeFileSync(path.join(folder, 'kubeconfig'), kubeconfigWith(server, token));

  const first = openClient(t, folder, { now: Date.now() + 2 * days });
  await first.client.request(virtualServices);
  await eventually(() => first.renewals.length === 1);
  server.expireTokens({ token });
  await first.client.request(virtualServices);
  await first.renewal.close();
  assert.ok(!readFileSync(path.join(folder, 'cluster-token.json'), 'utf8').includes(token));

  const second = openClient(t, folder, { now: Date.now() });
  await second.client.request(virtualServices);
  assert.deepEqual(second.renewals, []);
});

function openClient(t: TestContext, folder: string, { now }: { now: number }) {
  const renewals: Date[] = [];
  const renewal = new TokenRenewal({
    file: path.join(folder, 'cluster-token.json'),
    timers: realTimers,
    now: () => now,
    random: () => 0,
    onProblems: (problems) => assert.deepEqual(problems, []),
    onRenewed: (expiresAt) => renewals.push(expiresAt),
  });
  const client = new ApiClient(new AccessFile({ kubeconfig: path.join(folder, 'kubeconfig'), renewal }));
  t.after(() => client.close());
  renewal.start(client);
  return { renewals, renewal, client };
}

function kubeconfigWith(server: ApiServer, token: string): string {
  return server.kubeconfig().replace(/token: .*/, `token: ${token}`);
}
