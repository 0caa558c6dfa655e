import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ClusterGateway } from '../kit/cluster-gateway.ts';
import { appliedManifests } from '../kit/cluster-manifests.ts';
import { eventually } from '../kit/eventually.ts';
import { get } from '../kit/gateway.ts';

const account = 'system:serviceaccount:istio-system:mesh-gateway';
const day = 86_400_000;

test('a node goes on when the token of its kubeconfig has ended, since it got itself another one', async (t) => {
  const cluster = await ClusterGateway.start({ account, objects: appliedManifests(), server: { rbac: 'enforced' } });
  t.after(() => cluster.stop());
  const { gateway, server } = cluster;
  const [, token = ''] = /token: (\S+)/.exec(readFileSync(cluster.kubeconfig, 'utf8')) ?? [];
  const kept = path.join(gateway.dir, 'state', 'cluster-token.json');

  // two days later: the program has the token of its kubeconfig since then
  await gateway.terminate();
  const renews = createHash('sha256').update(token).digest('hex');
  const dates = { issuedAt: Date.now() - 2 * day, expiresAt: Date.now() + 28 * day };
  writeFileSync(kept, JSON.stringify({ form: 1, renews, token, ...dates }), { mode: 0o600 });
  await gateway.boot();
  await eventually(() => !readFileSync(kept, 'utf8').includes(token), { what: 'another token is kept' });
  assert.equal(statSync(kept).mode & 0o777, 0o600);

  server.expireTokens({ token });
  server.faults.breakConnections();
  cluster.setWeights(0, 100);
  const answers = () => Promise.all(Array.from({ length: 10 }, () => get(gateway.httpPort, '/')));
  await eventually(async () => (await answers()).every(({ body }) => body === 'v2\n'), {
    timeoutMs: 20_000,
    what: 'the change of weights is served',
  });
  await eventually(async () => (await gateway.problems()).length === 0, { timeoutMs: 20_000 });
  assert.ok(server.audit.entries({ user: account, subresource: 'token' }).length === 1);
  const newest = (JSON.parse(readFileSync(kept, 'utf8')) as { token: string }).token;
  for (const secret of [token, newest]) assert.ok(!gateway.output.includes(secret));
});
