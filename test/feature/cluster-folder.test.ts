/** What config/cluster/README.md tells an administrator to type, against API servers of both ages. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TestCluster } from '../kit/cluster.ts';
import { requires } from '../kit/require.ts';

// never the cluster of whoever runs the tests
delete process.env['KUBECONFIG'];

const plurals = ['gateways', 'virtualservices', 'destinationrules', 'serviceentries', 'workloadentries'];

describe('config/cluster', { skip: requires({ programs: ['kubectl'] }) }, () => {
  for (const [version, kinds] of [
    ['1.32', 'config/cluster/without-istio'],
    ['1.12', 'config/cluster/without-istio/kubernetes-1.12'],
  ] as const)
    test(`is taken by Kubernetes ${version}, and a second time nothing changes`, async (t) => {
      const cluster = await TestCluster.open({ version, definitions: [], rbac: 'enforced' });
      t.after(() => cluster.close());
      await cluster.run(['create', '-f', kinds]);
      const again = await cluster.kubectl(['create', '-f', kinds]);
      assert.deepEqual([again.code, again.stdout], [1, '']);
      for (const line of again.stderr.trim().split('\n')) assert.match(line, /AlreadyExists/);
      await cluster.run(['apply', '-f', 'config/cluster']);
      assert.doesNotMatch(await cluster.run(['apply', '-f', 'config/cluster']), /created|configured/);
      await cluster.run(['apply', '-n', 'default', '-f', 'config/cluster/per-namespace']);
      for (const plural of plurals) await cluster.run(['get', plural]);
    });

  test("shows Istio's columns and keeps a misspelt field, under all three versions", async (t) => {
    const cluster = await TestCluster.open({ definitions: [] });
    t.after(() => cluster.close());
    await cluster.run(['create', '-f', 'config/cluster/without-istio']);
    await cluster.run(['apply', '-f', 'config/examples/myapp/app-gateway.yaml']);
    const table = (await cluster.run(['get', 'virtualservices'])).split('\n');
    assert.match(table[0] ?? '', /^NAME +GATEWAYS +HOSTS +AGE/);
    assert.match(table[1] ?? '', /^myapp +\["app-gateway"\] +\["\*"\]/);
    const patch = JSON.stringify({ spec: { misspelt: true } });
    await cluster.run(['patch', 'virtualservice', 'myapp', '--type=merge', '-p', patch]);
    for (const served of ['v1', 'v1beta1', 'v1alpha3']) {
      const path = '{.apiVersion} {.spec.misspelt}';
      const kind = `virtualservices.${served}.networking.istio.io`;
      assert.equal(
        await cluster.run(['get', kind, 'myapp', '-o', `jsonpath=${path}`]),
        `networking.istio.io/${served} true`,
      );
    }
  });
});
