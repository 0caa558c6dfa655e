/**
 * A fresh node becomes the edge of a cluster, by the commands of config/cluster/README.md: the real kubectl against the
 * tests' API server on another machine. The steps build on each other and stop at the first that fails.
 */
import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test as nodeTest } from 'node:test';
import { eventually } from '#test/kit/eventually.ts';
import { requires } from '#test/kit/require.ts';
import { ClusterMachine, patchAnsweredAt } from './cluster.ts';
import { ApplianceNode, type Outcome } from './node.ts';

const missing = requires({
  root: true,
  programs: ['systemd-nspawn', 'mmdebstrap', 'ip', 'nsenter', 'curl', 'kubectl'],
});

const install = '/checkout/install.sh';
const access = '/etc/mesh-gateway/kubeconfig';
const dropIn = '/etc/systemd/system/mesh-gateway.service.d/kubeconfig.conf';

describe('the appliance of a cluster', { skip: missing, timeout: 300_000 }, () => {
  let node: ApplianceNode;
  let cluster: ClusterMachine;
  let url: string;
  let kubeconfig = '';
  before(async () => {
    node = await ApplianceNode.start();
    await node.sh('dpkg -i /srv/libatomic1_*.deb');
    cluster = await ClusterMachine.start(node);
    url = `http://${node.address}:31380/`;
  });
  after(async () => {
    await cluster?.stop();
    await node?.remove();
  });

  let failed: string | undefined;
  const test = (promise: string, steps: (say: (text: string) => void) => Promise<void>): void => {
    void nodeTest(promise, async (context) => {
      if (failed !== undefined) return context.skip(`after the failure of: ${failed}`);
      failed = promise;
      try {
        await steps((text) => context.diagnostic(text));
      } catch (error) {
        context.diagnostic(
          (await node.exec('journalctl', '--no-pager', '-o', 'cat', '-n', '60', '-u', 'mesh-gateway*')).stdout,
        );
        throw error;
      }
      failed = undefined;
    });
  };

  const kubectl = async (...args: readonly string[]): Promise<string> => succeeded(await cluster.kubectl(...args));
  const versions = async (count: number): Promise<Record<string, number>> => {
    const { stdout } = await node.curl(...Array.from({ length: count }, () => url));
    const seen: Record<string, number> = {};
    for (const version of stdout.trim().split('\n')) seen[version] = (seen[version] ?? 0) + 1;
    return seen;
  };
  const weights = (v1: number, v2: number): string =>
    JSON.stringify(
      [v1, v2].map((value, index) => ({ op: 'replace', path: `/spec/http/0/route/${index}/weight`, value })),
    );
  const patchWeights = (v1: number, v2: number): Promise<string> =>
    kubectl('patch', 'virtualservice', 'myapp', '--type=json', '-p', weights(v1, v2));
  const only = (version: string): Promise<unknown> =>
    eventually(async () => (await versions(20))[version] === 20, {
      timeoutMs: 20_000,
      what: `only ${version} answers`,
    });

  test('the kinds are created once, and a second time nothing that exists is touched', async () => {
    await kubectl('create', '-f', 'config/cluster/without-istio');
    const again = await cluster.kubectl('create', '-f', 'config/cluster/without-istio');
    assert.equal(again.code, 1);
    assert.equal(
      again.stderr
        .trim()
        .split('\n')
        .every((line) => line.includes('AlreadyExists')),
      true,
      again.stderr,
    );
    assert.match(
      await kubectl(
        'get',
        'gateways,virtualservices,destinationrules,serviceentries,workloadentries',
        '--all-namespaces',
        '--ignore-not-found',
      ),
      /^$/,
    );
  });

  test('kubeconfig.sh prints a kubeconfig of the account alone, into a file that nobody else can read', async () => {
    await kubectl('apply', '-f', 'config/cluster');
    const file = path.join(cluster.folder, 'node.kubeconfig');
    writeFileSync(file, '', { mode: 0o644 });
    const { code, stderr } = await cluster.shell(`umask 022; config/cluster/kubeconfig.sh >${file}`);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /the token is good until \d{4}-/);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    kubeconfig = succeeded(await cluster.shell(`cat ${file}`));
    const asNode = await cluster.kubectl(`--kubeconfig=${file}`, 'get', 'secrets', '-n', 'default');
    assert.match(asNode.stderr, /Forbidden.*system:serviceaccount:istio-system:mesh-gateway/);
    succeeded(await cluster.kubectl(`--kubeconfig=${file}`, 'get', 'virtualservices', '-n', 'default'));
  });

  test('what is no kubeconfig is refused in one sentence, and changes nothing', async () => {
    for (const [file, input, reason] of [
      ['/nowhere/kubeconfig', '', /^install\.sh: the kubeconfig cannot be read: \/nowhere\/kubeconfig: No such file/],
      ['-', 'token: s3cret', /^install\.sh: The kubeconfig - has no current-context/],
      ['-', '', /^install\.sh: The kubeconfig - is empty/],
      ['-', kubeconfig.replace('https:', 'http:'), /^install\.sh: .*http:\/\/10\.97\.0\.10:6443 is not usable/],
    ] as const) {
      const { code, stderr } = await node.execWith(input, install, '--kubeconfig', file);
      assert.equal(code, 1);
      assert.match(stderr, reason);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    }
    assert.equal((await node.exec(install, '--example', '--kubeconfig', '/dev/null')).code, 1);
    assert.equal(await node.sh('ls -d /opt/mesh-gateway /etc/mesh-gateway 2>/dev/null | wc -l'), '0\n');
  });

  test('a dry run says where the kubeconfig would go, and changes nothing', async () => {
    const { code, stdout, stderr } = await node.execWith(kubeconfig, install, '--dry-run', '--kubeconfig', '-');
    assert.equal(code, 0, stderr);
    for (const step of [`would  create ${access}`, `would  create ${dropIn}`]) assert.ok(stdout.includes(step), stdout);
    assert.equal(await node.sh('ls -d /opt/mesh-gateway /etc/mesh-gateway 2>/dev/null | wc -l'), '0\n');
  });

  test('install.sh --kubeconfig keeps the kubeconfig for root, and makes the cluster the source', async () => {
    const installed = await node.execWith(kubeconfig, install, '--kubeconfig', '-');
    assert.equal(installed.code, 0, installed.stderr);
    assert.equal(await node.sh(`stat -c '%a %U:%G' ${access} ${dropIn}`), '600 root:root\n644 root:root\n');
    assert.match(
      await node.sh('cat /etc/mesh-gateway/gateway.yaml'),
      /^source:\n {2}kubernetes:\n {4}kubeconfig: credential:kubeconfig\n/m,
    );
    succeeded(await node.exec('mesh-gateway', 'validate', '/etc/mesh-gateway/gateway.yaml'));
    const again = await node.exec(install);
    assert.match(again.stdout, /nothing to do: all of it is in place/);
    const verify = await node.exec(
      'systemd-analyze',
      'verify',
      '--man=no',
      '--recursive-errors=yes',
      '/etc/systemd/system/mesh-gateway.service',
    );
    assert.deepEqual([verify.code, verify.stderr], [0, '']);
  });

  test("kubectl apply of the owner's three objects: another machine sees both versions", async () => {
    await node.sh('systemctl start mesh-gateway');
    await kubectl('apply', '-f', 'config/examples/myapp/app-gateway.yaml');
    await eventually(
      async () =>
        Object.keys(await versions(20))
          .sort()
          .join() === 'v1,v2',
      { timeoutMs: 20_000 },
    );
    assert.deepEqual(await versions(40), { v1: 20, v2: 20 });
  });

  test('the token is nowhere but in its files', async () => {
    const token = /token: (\S+)/.exec(kubeconfig)?.[1] ?? assert.fail('a token');
    const search = `grep -rlF -e "$(cat)" /etc /opt/mesh-gateway/current/config /run /var/log /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null`;
    const found = await node.execWith(token, 'sh', '-c', search);
    assert.deepEqual(found.stdout.trim().split('\n'), [access, '/run/credentials/mesh-gateway.service/kubeconfig']);
    const log = await node.exec('journalctl', '--no-pager', '-o', 'cat', '-u', 'mesh-gateway*');
    assert.ok(!log.stdout.includes(token));
    assert.equal(
      (await node.exec('runuser', '-u', 'nobody', '--', 'cat', '/run/credentials/mesh-gateway.service/kubeconfig'))
        .code,
      1,
    );
  });

  test('a kubectl patch of the weights is served in under 200 ms', async (say) => {
    await patchWeights(100, 0);
    await only('v1');
    const watch = await cluster.watchAnswers(url);
    const patch = await cluster.kubectl(
      '-v=6',
      'patch',
      'virtualservice',
      'myapp',
      '--type=json',
      '-p',
      weights(0, 100),
    );
    const answeredAt = patchAnsweredAt(`${succeeded(patch)}${patch.stderr}`);
    await only('v2');
    const answers = await watch.stop();
    const first = answers.find(([, , text]) => text === 'v2') ?? assert.fail('v2 answers');
    const last = answers.findLast(([, , text]) => text === 'v1') ?? assert.fail('v1 answered');
    const [firstNew, lastOld] = [first[1] - answeredAt, last[0] - answeredAt];
    say(
      `after the patch's answer: first of the new weights at ${firstNew} ms, last of the old asked for at ${lastOld} ms`,
    );
    assert.deepEqual(
      answers.filter(([, , text]) => text !== 'v1' && text !== 'v2'),
      [],
    );
    assert.ok(firstNew < 200, `${firstNew} ms`);
    assert.ok(lastOld < 200, `${lastOld} ms`);
  });

  test('mesh-gateway shift is seen by kubectl', async () => {
    await node.sh('mesh-gateway shift myapp v1=30 v2=70');
    const yaml = await kubectl('get', 'virtualservice', 'myapp', '-o', 'yaml');
    assert.deepEqual(
      yaml.match(/^ +weight: \d+$/gm)?.map((line) => line.trim()),
      ['weight: 30', 'weight: 70'],
    );
    assert.deepEqual(await versions(20), { v1: 6, v2: 14 });
  });

  test('after a reboot it is there again', async () => {
    await node.reboot();
    await eventually(
      async () =>
        Object.keys(await versions(20))
          .sort()
          .join() === 'v1,v2',
      { timeoutMs: 20_000 },
    );
  });

  test('without its kubeconfig the node goes back to its folder; the unit needs no credential then', async () => {
    await node.sh(`rm ${access}`);
    const { code, stdout, stderr } = await node.exec(install);
    assert.equal(code, 0, stderr);
    assert.ok(stdout.includes(`remove ${dropIn}`), stdout);
    assert.equal((await node.exec('test', '-e', dropIn)).code, 1);
    assert.doesNotMatch(await node.sh('cat /etc/mesh-gateway/gateway.yaml'), /^source:/m);
    assert.equal((await node.sh('systemctl is-active mesh-gateway')).trim(), 'active');
  });

  test('uninstalling keeps the kubeconfig and removes its unit; --purge removes it too', async () => {
    succeeded(await node.execWith(kubeconfig, install, '--kubeconfig=-'));
    succeeded(await node.exec(install, '--uninstall'));
    assert.equal((await node.exec('test', '-e', dropIn)).code, 1);
    assert.equal(await node.sh(`stat -c '%a %U' ${access}`), '600 root\n');
    const { stdout } = await node.exec(install, '--dry-run');
    assert.ok(stdout.includes(`would  create ${dropIn}`), stdout);
    succeeded(await node.exec(install, '--uninstall', '--purge'));
    assert.equal(
      await node.sh(
        'ls -d /etc/mesh-gateway /var/lib/mesh-gateway /etc/systemd/system/mesh-gateway* 2>/dev/null | wc -l',
      ),
      '0\n',
    );
  });
});

function succeeded({ code, stdout, stderr }: Outcome): string {
  assert.equal(code, 0, stderr);
  return stdout;
}
