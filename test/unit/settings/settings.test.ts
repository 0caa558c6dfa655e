import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { formatSettingsProblem, loadSettings, parseSettings, type Settings } from '#config/settings.ts';

const FILE = '/etc/mesh-gateway/gateway.yaml';
const shippedFile = new URL('../../../config/gateway.yaml', import.meta.url);

function settingsOf(text: string | undefined, env: NodeJS.ProcessEnv = {}): Settings {
  const result = parseSettings(text, FILE, env);
  if ('problems' in result) assert.fail(result.problems.map(formatSettingsProblem).join('\n'));
  return result.settings;
}

function problemsOf(text: string): string[] {
  const result = parseSettings(text, FILE, {});
  if ('settings' in result) assert.fail('the settings were accepted');
  return result.problems.map((problem) => `${problem.line}:${problem.column} ${problem.message}`);
}

/** The one problem of a text. */
function problemOf(text: string): string {
  const problems = problemsOf(text);
  assert.equal(problems.length, 1, problems.join('\n'));
  return problems[0] ?? '';
}

describe('settings: defaults', () => {
  it('no file, an empty file and a file of comments all mean the defaults', () => {
    const defaults = settingsOf(undefined);
    assert.deepEqual(settingsOf(''), defaults);
    assert.deepEqual(settingsOf('# nothing but words\n'), defaults);
    assert.deepEqual(settingsOf('timeouts:\nlimits:\n'), defaults);
    assert.equal(defaults.namespace, 'istio-system');
    assert.equal(defaults.workers, Math.min(availableParallelism(), 4));
    assert.deepEqual(defaults.admin, { address: '127.0.0.1', port: 15000, socket: '/run/mesh-gateway/admin.sock' });
  });

  it('the shipped file is all comments, and its commented lines are exactly the defaults', async () => {
    const text = await readFile(shippedFile, 'utf8');
    assert.deepEqual(settingsOf(text), settingsOf(undefined));
    const uncommented = text.replace(/^#(?=[ ]{0,2}[A-Za-z0-9]+:( \S+)?$)(?! {3})/gm, '').replace(/^# .*$/gm, '');
    assert.deepEqual(settingsOf(uncommented), settingsOf(undefined));
    for (const path of leavesOf(settingsOf(undefined))) {
      assert.match(uncommented, new RegExp(`^ *${path.at(-1)?.replace(/Ms$/, '')}:`, 'm'), path.join('.'));
    }
  });

  it("systemd's directories are the default, and the file has the last word", () => {
    const env = { STATE_DIRECTORY: '/var/lib/a:/var/lib/b', RUNTIME_DIRECTORY: '/run/a' };
    const inService = settingsOf('', env);
    assert.equal(inService.stateDir, '/var/lib/a');
    assert.equal(inService.runtimeDir, '/run/a');
    assert.equal(inService.admin.socket, '/run/a/admin.sock');
    const moved = settingsOf('runtimeDir: /run/b\nstateDir: /srv/state\n', env);
    assert.equal(moved.stateDir, '/srv/state');
    assert.equal(moved.admin.socket, '/run/b/admin.sock');
  });

  it('a settings file that is named must exist; the default one may be missing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'settings '));
    try {
      const file = join(folder, 'gateway.yaml');
      const missing = await loadSettings(file, {});
      assert.ok('problems' in missing);
      assert.match(missing.problems[0]?.message ?? '', /there is none at this path/);
      await writeFile(file, 'source:\n  folder: routes\naccessLog:\n  file: stdout\n');
      const read = await loadSettings(file, {});
      assert.ok('settings' in read);
      const source = { kind: 'folder', path: join(folder, 'routes') };
      assert.deepEqual(read.settings.source, source, 'a relative path starts at the file');
      assert.equal(read.settings.accessLog.file, '-');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('settings: what can be set', () => {
  it('ports map a Gateway port to one node port or to several', () => {
    assert.deepEqual(settingsOf('ports:\n  443: 31390\n  80: [31380, 80]\n').ports, [
      { gatewayPort: 80, nodePorts: [31380, 80] },
      { gatewayPort: 443, nodePorts: [31390] },
    ]);
  });

  it('durations and sizes are read with their units', () => {
    const { timeouts, limits } = settingsOf(
      'timeouts: {connect: 250ms, header: 1m30s, response: 0}\nlimits: {headerBytes: 32KiB, targetBytes: 8192}\n',
    );
    assert.deepEqual(
      [timeouts.connectMs, timeouts.headerMs, timeouts.responseMs, limits.headerBytes, limits.targetBytes],
      [250, 90_000, 0, 32_768, 8192],
    );
  });

  it('the source is a folder or a cluster', () => {
    const { source } = settingsOf(
      'source:\n  kubernetes: {kubeconfig: edge.conf, endpoints: nodePort, namespaces: [shop]}\n',
    );
    const kubeconfig = '/etc/mesh-gateway/edge.conf';
    assert.deepEqual(source, {
      kind: 'kubernetes',
      kubeconfig,
      servers: [],
      namespaces: ['shop'],
      endpoints: 'nodePort',
    });
    for (const word of ['credential:kubeconfig', 'in-cluster']) {
      const settings = settingsOf(`source: {kubernetes: {kubeconfig: "${word}"}}\n`);
      assert.equal(settings.source.kind === 'kubernetes' && settings.source.kubeconfig, word);
    }
    assert.match(problemOf('source:\n  kubernetes:\n'), /^2:3 source\.kubernetes\.kubeconfig is missing/);
    assert.match(problemOf('source: {kubernetes: {context: a}}\n'), /kubeconfig is missing/);
    assert.match(problemOf('source: {folder: /a, kubernetes: {kubeconfig: /b}}\n'), /a folder and a cluster: keep one/);
    assert.match(problemOf('source: {kubernetes: {kubeconfig: /b, servers: ["http://a"]}}\n'), /such as https:/);
    assert.match(problemOf('source: {kubernetes: {kubeconfig: "credential:../x"}}\n'), /LoadCredential/);
    assert.match(problemOf('source: {kubernetes: {kubeconfig: /b, endpoints: pod}}\n'), /did you mean pods/);
  });

  it('what is not enforced is accepted by name', () => {
    const { security } = settingsOf('security: {acceptUnenforced: [AuthorizationPolicy/istio-system/jwt]}\n');
    assert.deepEqual(security.acceptUnenforced, ['AuthorizationPolicy/istio-system/jwt']);
    assert.match(problemOf('security: {acceptUnenforced: all}\n'), /must be a list/);
    assert.match(
      problemOf('security: {acceptUnenforced: [Pod/a/b]}\n'),
      /acceptUnenforced\[0\] must be Kind\/namespace\/name, or the Kind alone for all of them, of an Auth/,
    );
    const kinds = settingsOf('security: {acceptUnenforced: [WasmPlugin]}\n').security.acceptUnenforced;
    assert.deepEqual(kinds, ['WasmPlugin']);
    assert.match(problemOf('security: {acceptUnenforced: [WasmPlugin/a]}\n'), /must be Kind/);
  });

  it('a section keeps the defaults of what it does not name', () => {
    const { health, timeouts } = settingsOf('health:\n  address: "::"\ntimeouts:\n  drain: 3s\n');
    assert.deepEqual(health, { address: '::', port: 15021 });
    assert.equal(timeouts.keepAliveMs, 60_000);
  });

  it('the admin address may be public with TLS', () => {
    const { admin } = settingsOf('admin:\n  address: 0.0.0.0\n  tls: {certificate: tls/a.crt, privateKey: /b.key}\n');
    assert.deepEqual(admin.tls, { certificate: '/etc/mesh-gateway/tls/a.crt', privateKey: '/b.key' });
  });
});

describe('settings: problems', () => {
  it('every problem is reported at once, with its line and column', () => {
    assert.deepEqual(
      problemsOf('wokers: 3\nvia: yes please\ntimeouts:\n  header: 5\n  conect: 1s\nports:\n  80: 0\nbacklog: many\n'),
      [
        '1:1 unknown key "wokers": did you mean workers?',
        '2:6 via must be true or false, not "yes please"',
        '4:11 timeouts.header must be a duration from 100ms to 5m, with its unit: 250ms, 5s, 1m30s, 1h, not 5',
        '5:3 unknown key "conect": did you mean connect?',
        '7:7 ports.80 must be a whole number from 1 to 65535, not 0',
        '8:10 backlog must be a whole number from 1 to 65535, not "many"',
      ],
    );
  });

  it('an unknown key that resembles nothing is answered with the keys there are', () => {
    assert.match(problemOf('log:\n  verbosity: 3\n'), /^2:3 unknown key "verbosity": known here are level$/);
  });

  it('a YAML fault and a repeated key have their position', () => {
    assert.match(problemOf('via: "true\nworkers: 2\n'), /^\d+:\d+ YAML: /);
    assert.match(problemOf('via: true\nvia: false\n'), /^2:1 YAML: .*unique/);
    assert.match(problemOf('via: true\n---\nvia: false\n'), /one YAML document/);
  });

  it('a public admin address without TLS is refused, and the way out is named', () => {
    const problem = problemOf('admin:\n  address: 0.0.0.0\n');
    assert.match(problem, /^2:12 admin\.address 0\.0\.0\.0 can be reached from other machines/);
    assert.match(problem, /admin\.tls\.certificate and admin\.tls\.privateKey/);
    assert.match(problemOf('admin:\n  tls:\n    certificate: /a.crt\n'), /admin\.tls\.privateKey is missing/);
  });

  it('ports of the appliance and of the node must not clash', () => {
    assert.match(problemOf('ports:\n  80: 15000\n'), /^2:7 admin\.port 15000 is also node port 15000/);
    assert.match(problemOf('health: {port: 15090}\n'), /^1:16 metrics\.port 15090 is also health\.port 15090/);
    assert.match(problemOf('address: 192.0.2.7\nhealth: {address: "0.0.0.0", port: 31380}\n'), /node port 31380/);
    settingsOf('address: 192.0.2.7\nhealth: {address: 127.0.0.1, port: 31380}\n');
  });

  it('node ports that Gateway ports share only in part are refused', () => {
    assert.match(problemOf('ports:\n  80: [31380, 80]\n  8080: 31380\n'), /^3:9 node port 31380 belongs to/);
    assert.match(problemOf('ports:\n  80: [31380, 31380]\n'), /twice/);
    assert.match(problemOf('ports: {}\n'), /at least one/);
    assert.match(problemOf('ports:\n  http: 31380\n'), /"http" is not a Gateway port/);
  });

  it('limits that contradict each other and socket paths that the kernel would refuse are found', () => {
    assert.match(problemOf('limits: {targetBytes: 64KiB}\n'), /targetBytes must be below limits\.headerBytes/);
    assert.match(problemOf(`runtimeDir: /run/${'long/'.repeat(30)}\n`), /unix socket's may have 107/);
  });

  it('values that YAML reads as something else than text say so', () => {
    assert.match(problemOf('labels:\n  version: 1.0\n'), /put quotes around it/);
    assert.match(problemOf('namespace: Istio_System\n'), /name of a namespace/);
    assert.match(problemOf('stateDir:\n'), /^1:1 stateDir must be a path; nothing is given/);
    assert.match(problemOf('[]\n'), /the file must be a mapping/);
  });
});

function leavesOf(value: unknown, path: string[] = []): string[][] {
  const isSection = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isSection) return [path];
  return Object.entries(value)
    .filter(([key]) => !['kind', 'path'].includes(key))
    .flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}
