import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { boundTokenIn } from '#gateway/control/kubernetes/bound-token.ts';
import { parseKubeconfig } from '#gateway/control/kubernetes/kubeconfig.ts';
import { SecretText } from '#gateway/control/resource/core/secret-text.ts';
import { ApiServer, type ApiServerOptions } from '#test/kit/api-server/api-server.ts';
import { appliedManifests } from '#test/kit/cluster-manifests.ts';
import { repositoryDir } from '#test/kit/import-graph.ts';
import { requires } from '#test/kit/require.ts';
import { temporaryFolder } from '#test/kit/temporary-folder.ts';

const script = path.join(repositoryDir, 'config/cluster/kubeconfig.sh');
const hour = 3_600_000;

type Kubeconfig = {
  readonly users: readonly [{ readonly user: { readonly token: string } }];
  readonly clusters: readonly [{ readonly cluster: Readonly<Record<string, string>> }];
};

describe('kubeconfig.sh', { skip: requires({ programs: ['kubectl'] }) }, () => {
  test('prints what a node needs and nothing else: the API server, its authority, a token that ends in 30 days', async (t) => {
    const { server, run } = await aCluster(t);
    const { code, output, said } = await run();
    assert.equal(code, 0, said);
    const access = parseKubeconfig(output, { file: 'node' });
    assert.deepEqual(access.servers.map(String), [`${server.url}/`]);
    const { clusters, users } = parse(output) as Kubeconfig;
    const authority = clusters[0].cluster['certificate-authority-data'] ?? '';
    assert.equal(Buffer.from(authority, 'base64').toString(), server.caPem);
    const bound = boundTokenIn(new SecretText(users[0].user.token)) ?? assert.fail('a token that can be renewed');
    assert.deepEqual([bound.namespace, bound.account], ['istio-system', 'mesh-gateway']);
    assert.ok(Math.abs(bound.expiresAt - Date.now() - 30 * 24 * hour) < hour);
    assert.match(said, /the token is good until \d{4}-\d\d-\d\dT/);
    assert.ok(!said.includes(users[0].user.token));
  });

  test('the file it is redirected to is for its owner alone, whatever the umask', async (t) => {
    const { run, folder } = await aCluster(t);
    const file = path.join(folder, 'node.kubeconfig');
    writeFileSync(file, 'old', { mode: 0o644 });
    const { code, said } = await run([], { into: file });
    assert.equal(code, 0, said);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.match(readFileSync(file, 'utf8'), /^apiVersion: v1\n/m);
  });

  test('the address for the nodes and the life of the token can be chosen', async (t) => {
    const { run } = await aCluster(t);
    const { output, said } = await run(['--server', 'https://[fd00::1]:6443/', '--days', '2']);
    const { clusters, users } = parse(output) as Kubeconfig;
    assert.equal(clusters[0].cluster['server'], 'https://[fd00::1]:6443', said);
    const bound = boundTokenIn(new SecretText(users[0].user.token));
    assert.ok(Math.abs((bound?.expiresAt ?? 0) - Date.now() - 2 * 24 * hour) < hour);
  });

  test('an API server without TokenRequest gives a token that never ends, and this is said', async (t) => {
    const { run, server } = await aCluster(t, { version: '1.12' });
    const message = 'the server could not find the requested resource';
    server.faults.add({ kind: 'status', status: 404, message }, { verbs: ['create'], resources: ['serviceaccounts'] });
    const { code, output, said } = await run();
    assert.equal(code, 0, said);
    assert.match(
      said,
      /NEVER ENDS and is not renewed; to take it back: kubectl -n istio-system delete secret mesh-gateway-token/,
    );
    const { users } = parse(output) as Kubeconfig;
    assert.ok(users[0].user.token.length > 20);
  });

  test('without the account, or with a cluster that is not verified, there is one sentence and no kubeconfig', async (t) => {
    const { run, server, admin } = await aCluster(t);
    server.delete({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { namespace: 'istio-system', name: 'mesh-gateway' },
    });
    const gone = await run();
    assert.deepEqual([gone.code, gone.output], [1, '']);
    assert.match(gone.said, /there is no account mesh-gateway in istio-system \(kubectl apply -f config\/cluster\)/);
    const text = readFileSync(admin, 'utf8');
    writeFileSync(admin, text.replace(/certificate-authority-data: .*/, 'insecure-skip-tls-verify: true'));
    const unverified = await run();
    assert.deepEqual([unverified.code, unverified.output], [1, '']);
    assert.match(unverified.said, /insecure-skip-tls-verify/);
  });

  test('arguments that it does not understand are refused', async (t) => {
    const { run } = await aCluster(t);
    for (const args of [
      ['--days', '0'],
      ['--days', 'x'],
      ['--server'],
      ['--server', 'http://10.0.0.1'],
      ['--server', "https://x';"],
      ['--what'],
    ])
      assert.notEqual((await run(args)).code, 0, args.join(' '));
  });
});

/** A cluster to which config/cluster was applied, with an administrator. */
async function aCluster(t: TestContext, options: ApiServerOptions = {}) {
  const server = await ApiServer.start({ rbac: 'enforced', ...options });
  t.after(() => server.stop());
  server.apply(...appliedManifests());
  const folder = temporaryFolder(t);
  const admin = path.join(folder, 'admin.kubeconfig');
  writeFileSync(admin, server.kubeconfig());
  const env = { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: admin };
  return {
    server,
    folder,
    admin,
    run: (args: readonly string[] = [], redirect?: { into: string }) => run(args, env, redirect?.into),
  };
}

type Outcome = { readonly code: number; readonly output: string; readonly said: string };

function run(args: readonly string[], env: NodeJS.ProcessEnv, into?: string): Promise<Outcome> {
  const command = into === undefined ? 'exec "$@"' : 'exec "$@" >"$INTO"';
  return new Promise((resolve) => {
    execFile(
      'bash',
      ['-c', command, 'bash', script, ...args],
      { env: { ...env, INTO: into } },
      (error, output, said) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 255), output, said });
      },
    );
  });
}
