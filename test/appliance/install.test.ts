/**
 * The whole appliance on a machine of its own: install.sh from this checkout, a real systemd, traffic from another
 * machine. The steps build on each other, so they are one test each in order and stop at the first that fails.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test as nodeTest } from 'node:test';
import { eventually } from '#test/kit/eventually.ts';
import { requires } from '#test/kit/require.ts';
import { ApplianceNode, run } from './node.ts';

const missing = requires({
  root: true,
  programs: ['systemd-nspawn', 'mmdebstrap', 'ip', 'nsenter', 'curl', 'promtool'],
});

const gatewayUnits = [
  'mesh-gateway.service',
  'mesh-gateway-sockets.target',
  'mesh-gateway-http.socket',
  'mesh-gateway-https.socket',
];
const install = '/checkout/install.sh';
const adminSocket = '/run/mesh-gateway/admin.sock';

type WorkerView = { readonly index: number; readonly pid: number; readonly state: string };

describe('the appliance', { skip: missing, timeout: 540_000 }, () => {
  let node: ApplianceNode;
  let url: string;
  before(async () => {
    node = await ApplianceNode.start();
    url = `http://${node.address}:31380/`;
  });
  after(() => node?.remove());

  let failed: string | undefined;
  const test = (promise: string, steps: () => Promise<void>): void => {
    void nodeTest(promise, async (context) => {
      if (failed !== undefined) return context.skip(`after the failure of: ${failed}`);
      failed = promise;
      try {
        await steps();
      } catch (error) {
        context.diagnostic(
          (await node.exec('journalctl', '--no-pager', '-o', 'cat', '-n', '60', '-u', 'mesh-gateway*')).stdout,
        );
        throw error;
      }
      failed = undefined;
    });
  };

  const versionsSeen = async (count: number, from: string): Promise<Record<string, number>> => {
    const { stdout } = await node.curl(...Array.from({ length: count }, () => from));
    const seen: Record<string, number> = {};
    for (const [, version] of stdout.matchAll(/<h1>[^<]*\b(v[12])\b/g))
      seen[version ?? ''] = (seen[version ?? ''] ?? 0) + 1;
    return seen;
  };
  const workers = async (): Promise<readonly WorkerView[]> => {
    const text = await node.sh(`curl -sS --fail --unix-socket ${adminSocket} http://localhost/api/v1/workers`);
    return (JSON.parse(text) as { items: readonly WorkerView[] }).items;
  };
  const isActive = async (unit: string): Promise<string> =>
    (await node.exec('systemctl', 'is-active', unit)).stdout.trim();
  const serves = () =>
    eventually(async () => (await node.curl('--fail', url)).code === 0, {
      timeoutMs: 20_000,
      what: 'the gateway serves',
    });

  test('without libatomic and without a network the installer says what is missing, and changes nothing', async () => {
    const { code, stderr } = await node.exec(install);
    assert.equal(code, 1);
    assert.match(stderr, /libatomic1 and libstdc\+\+6 are missing and apt-get could not install them/);
    assert.equal(await node.sh('ls -d /opt/mesh-gateway /etc/mesh-gateway 2>/dev/null | wc -l'), '0\n');
    await node.sh('dpkg -i /srv/libatomic1_*.deb');
  });

  test('a dry run says the steps and changes nothing', async () => {
    const { code, stdout, stderr } = await node.exec(install, '--dry-run', '--example');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /would {2}create the system user mesh-gateway/);
    assert.match(stdout, /would {2}enable mesh-gateway at boot/);
    assert.equal(
      await node.sh('ls -d /opt/mesh-gateway /etc/mesh-gateway /etc/systemd/system/mesh-gateway* 2>/dev/null | wc -l'),
      '0\n',
    );
    assert.notEqual((await node.exec('getent', 'passwd', 'mesh-gateway')).code, 0);
  });

  test('install.sh --example installs it, starts nothing, and says where things are', async () => {
    const { code, stdout, stderr } = await node.exec(install, '--example');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /start it: +systemctl start mesh-gateway/);
    assert.match(stdout, /http:\/\/10\.97\.0\.2:31380\//);
    assert.match(stdout, /token in \/var\/lib\/mesh-gateway\//);
    assert.equal(await isActive('mesh-gateway'), 'inactive');
    assert.equal((await node.exec('systemctl', 'is-enabled', 'mesh-gateway')).stdout.trim(), 'enabled');
  });

  test('files belong to whom they should, with no more rights than needed', async () => {
    const paths = [
      '/opt/mesh-gateway/current/bin/node',
      '/opt/mesh-gateway/current/gateway/main.ts',
      '/usr/local/bin/mesh-gateway',
      '/etc/mesh-gateway',
      '/etc/mesh-gateway/gateway.yaml',
      '/etc/mesh-gateway/routes.d',
      '/etc/mesh-gateway/routes.d/app-gateway.yaml',
      '/etc/systemd/system/mesh-gateway.service',
    ];
    assert.deepEqual((await node.sh(`stat -L -c '%a %U:%G %n' ${paths.join(' ')}`)).trim().split('\n'), [
      `755 root:root ${paths[0]}`,
      `644 root:root ${paths[1]}`,
      `755 root:root ${paths[2]}`,
      `750 root:mesh-gateway ${paths[3]}`,
      `640 root:mesh-gateway ${paths[4]}`,
      `750 mesh-gateway:mesh-gateway ${paths[5]}`,
      `640 mesh-gateway:mesh-gateway ${paths[6]}`,
      `644 root:root ${paths[7]}`,
    ]);
  });

  test('installing again changes nothing', async () => {
    const { code, stdout } = await node.exec(install, '--example');
    assert.equal(code, 0);
    assert.match(stdout, /nothing to do: all of it is in place/);
  });

  test('the units pass systemd-analyze', async () => {
    const units = [...gatewayUnits, 'mesh-gateway-example.service'].map((unit) => `/etc/systemd/system/${unit}`);
    const verify = await node.exec('systemd-analyze', 'verify', '--man=no', '--recursive-errors=yes', ...units);
    assert.deepEqual([verify.code, verify.stderr], [0, '']);
    for (const unit of units.filter((unit) => unit.endsWith('.service'))) {
      // exposure in tenths: Debian's own nginx and haproxy have 96; one of ours is that control may make itself less important
      const security = await node.exec(
        'systemd-analyze',
        'security',
        '--offline=true',
        `--threshold=${unit.endsWith('example.service') ? 11 : 12}`,
        '--no-pager',
        unit,
      );
      assert.equal(security.code, 0, security.stdout.split('\n').slice(-3).join('\n'));
    }
  });

  test('systemctl start serves both versions to another machine, over IPv4 and IPv6', async () => {
    await node.sh('systemctl start mesh-gateway');
    for (const from of [url, `http://[${node.address6}]:31380/`]) {
      const seen = await versionsSeen(40, from);
      assert.equal((seen['v1'] ?? 0) + (seen['v2'] ?? 0), 40, JSON.stringify(seen));
      assert.ok(Math.abs((seen['v1'] ?? 0) - 20) <= 4, JSON.stringify(seen));
    }
  });

  test('it runs as its own user without capabilities, and opens nothing but its ports to the network', async () => {
    const pid = (await node.sh('systemctl show -p MainPID --value mesh-gateway')).trim();
    const status = await node.sh(`cat /proc/${pid}/status; id -u mesh-gateway`);
    const uid = status.trim().split('\n').at(-1);
    assert.match(status, new RegExp(`^Uid:\t${uid}\t`, 'm'));
    assert.match(status, /^CapBnd:\t0+$/m);
    assert.match(await node.sh('systemctl show -p StatusText --value mesh-gateway'), /\S/);
    const listening = (await node.sh(`ss -Hltn | awk '{print $4}'`))
      .trim()
      .split('\n')
      .filter((address) => !/^(127\.|\[::1\])/.test(address));
    assert.deepEqual(listening.sort(), ['*:31380', '*:31390']);
    assert.match(await node.sh(`ss -Hltn 'sport = :31380' | awk '{print $3}'`), /^4096$/m);
    assert.equal(
      (await node.sh(`stat -c '%a %U' /var/lib/mesh-gateway /run/mesh-gateway ${adminSocket}`)).trim(),
      '700 mesh-gateway\n700 mesh-gateway\n600 mesh-gateway',
    );
  });

  test('requests go before control where they compete for a core', async () => {
    const nicenesses = async (role: string): Promise<string[]> => {
      const threads = `for file in $(grep -l '^mesh-gateway: ${role}' /proc/[0-9]*/cmdline); do cat $(dirname $file)/task/*/stat; done`;
      // The 19th field; the name before it is in brackets and may hold spaces.
      return [...new Set((await node.sh(`${threads} | sed 's/.*) //' | cut -d ' ' -f 17`)).split(/\s+/))].filter(
        Boolean,
      );
    };
    assert.deepEqual([await nicenesses('worker'), await nicenesses('control')], [['0'], ['10']]);
  });

  test('a shift by REST with the token moves the weights; without the token it is refused', async () => {
    const token = (await node.sh('find /var/lib/mesh-gateway -name "*token*" -type f')).trim();
    assert.equal((await node.sh(`stat -c '%a %U' ${token}`)).trim(), '600 mesh-gateway');
    const put = (header: string): string =>
      `curl -sS -o /tmp/answer -w '%{http_code}' -X PUT ${header} -H 'content-type: application/json' ` +
      `-d '{"weights":{"v1":0,"v2":100},"reason":"test"}' http://127.0.0.1:15000/api/v1/traffic/default/myapp`;
    assert.equal(await node.sh(put('')), '401');
    assert.deepEqual(await versionsSeen(10, url).then((seen) => seen['v1']), 5);
    assert.equal(
      await node.sh(put(`-H "authorization: Bearer $(cat ${token})"`)),
      '200',
      await node.sh('cat /tmp/answer'),
    );
    assert.deepEqual(await versionsSeen(20, url), { v2: 20 });
    assert.equal(await node.sh(`grep -c 'weight: 100' /etc/mesh-gateway/routes.d/app-gateway.yaml`), '1\n');
    await node.sh('mesh-gateway shift myapp v1=50 v2=50');
    assert.deepEqual(await versionsSeen(20, url), { v1: 10, v2: 10 });
  });

  test("what it exports as metrics is clean but for the one name that is Istio's own", async () => {
    const input = await node.sh('curl -sS --fail http://127.0.0.1:15090/stats/prometheus');
    const { stdout, stderr } = await run('promtool', ['check', 'metrics'], { input });
    assert.deepEqual(`${stdout}${stderr}`.trim().split('\n'), [
      'istio_request_duration_milliseconds use base unit "seconds" instead of "milliseconds"',
    ]);
    assert.match(input, /^istio_requests_total\{.*destination_service=.*\} [1-9]/m);
  });

  test('systemctl restart under load loses no request', async () => {
    const load = await node.loadFromClient(url);
    for (let round = 0; round < 3; round++) {
      await node.sh('systemctl restart mesh-gateway');
      await serves();
    }
    const report = await load.stop();
    assert.deepEqual(report.errors, {});
    assert.ok(report.answered > 20, JSON.stringify(report));
  });

  test('a hung worker is replaced while traffic goes on', async () => {
    // traffic is served before control is there again
    const hung = await eventually(async () => (await workers()).at(0), { timeoutMs: 10_000, what: 'control answers' });
    await node.sh(`kill -STOP ${hung.pid}`);
    const replaced = await eventually(
      async () =>
        (await workers()).find(
          (worker) => worker.index === hung.index && worker.pid !== hung.pid && worker.state === 'serving',
        ),
      { timeoutMs: 20_000, what: 'a new worker serves' },
    );
    assert.notEqual(replaced.pid, hung.pid);
    assert.equal((await node.exec('test', '-d', `/proc/${hung.pid}`)).code, 1);
    await serves();
  });

  test('a killed main process is started again, and the ports stay open meanwhile', async () => {
    const load = await node.loadFromClient(`${url}?connection-close`);
    await node.sh('systemctl kill -s KILL --kill-whom=main mesh-gateway');
    await eventually(async () => (await isActive('mesh-gateway')) === 'active', { timeoutMs: 10_000 });
    await serves();
    const { errors } = await load.stop();
    // what was in its hands is reset; nobody is refused
    assert.deepEqual(
      Object.keys(errors).filter((code) => code !== 'ECONNRESET'),
      [],
    );
    assert.ok((errors['ECONNRESET'] ?? 0) <= 4, JSON.stringify(errors));
  });

  test('systemctl stop closes the ports and no connection starts it again; start serves again', async () => {
    await node.sh('systemctl stop mesh-gateway');
    for (const port of [31380, 31390, 31380])
      assert.equal((await node.curl(`http://${node.address}:${port}/`)).code, 7);
    for (const unit of gatewayUnits) assert.equal(await isActive(unit), 'inactive', unit);
    assert.equal((await node.sh('find /proc -maxdepth 1 -user mesh-gateway | wc -l')).trim(), '0');
    await node.sh('systemctl start mesh-gateway');
    await serves();
  });

  test('after a reboot it serves', async () => {
    await node.reboot();
    await serves();
    assert.deepEqual(await versionsSeen(20, url), { v1: 10, v2: 10 });
  });

  test('changed settings are kept, and a new installation restarts without a lost request', async () => {
    await node.sh(`sed -i 's/^#  level: info/  level: debug/; s/^#log:/log:/' /etc/mesh-gateway/gateway.yaml`);
    const before = await node.sh('readlink /opt/mesh-gateway/current');
    node.editCheckout('gateway/main.ts', '\n// a later version\n');
    const load = await node.loadFromClient(url);
    const { code, stdout, stderr } = await node.exec(install);
    const report = await load.stop();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /restart mesh-gateway \(its ports stay open\)/);
    assert.match(stdout, /kept \/etc\/mesh-gateway\/gateway.yaml, which was changed here/);
    assert.deepEqual(report.errors, {});
    assert.notEqual(await node.sh('readlink /opt/mesh-gateway/current'), before);
    assert.equal((await node.sh('ls /opt/mesh-gateway/releases | wc -l')).trim(), '1');
  });

  test('uninstalling leaves configuration and state, and nothing that runs', async () => {
    const { code, stderr } = await node.exec(install, '--uninstall');
    assert.equal(code, 0, stderr);
    assert.equal((await node.curl(url)).code, 7);
    assert.equal((await node.sh(`grep -lz '^/opt/mesh-gateway' /proc/[0-9]*/cmdline 2>/dev/null | wc -l`)).trim(), '0');
    assert.equal((await node.sh(`systemctl list-unit-files 'mesh-gateway*' --no-legend | wc -l`)).trim(), '0');
    assert.equal((await node.exec('test', '-e', '/opt/mesh-gateway')).code, 1);
    await node.sh('test -e /etc/mesh-gateway/routes.d/app-gateway.yaml && test -d /var/lib/mesh-gateway');
  });

  test('installing after that takes up configuration and state; --purge removes these too', async () => {
    assert.equal((await node.exec(install)).code, 0);
    await node.sh('systemctl start mesh-gateway');
    await eventually(async () => (await node.curl(url)).code === 0, { timeoutMs: 20_000 });
    assert.equal((await node.exec(install, '--uninstall', '--purge')).code, 0);
    assert.equal(
      await node.sh('ls -d /etc/mesh-gateway /var/lib/mesh-gateway /opt/mesh-gateway 2>/dev/null | wc -l'),
      '0\n',
    );
    assert.notEqual((await node.exec('getent', 'passwd', 'mesh-gateway')).code, 0);
  });
});
