import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { requires } from '#test/kit/require.ts';
import { defaultSettings } from '../../../config/defaults.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const defaults = defaultSettings({});

/** Values of one key of a unit file, in order. */
function values(unit: string, key: string): string[] {
  const text = readFileSync(`${root}/systemd/${unit}`, 'utf8');
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1));
}

test('each node port of the default settings has a socket unit, with the same accept queue', () => {
  const nodePorts = [...new Set(defaults.ports.flatMap((mapping) => mapping.nodePorts))];
  const sockets = values('mesh-gateway.service', 'Sockets').flatMap((line) => line.split(' '));
  assert.deepEqual(sockets.flatMap((unit) => values(unit, 'ListenStream')).sort(), nodePorts.map(String).sort());
  for (const unit of sockets) {
    assert.deepEqual(values(unit, 'Backlog'), [String(defaults.backlog)]);
    assert.deepEqual(values(unit, 'FileDescriptorName'), [unit.replace('.socket', '')]);
  }
});

test('a stop reaches every socket by way of the target, and by no way that a restart or a crash would take', () => {
  const sockets = values('mesh-gateway.service', 'Sockets');
  assert.deepEqual(values('mesh-gateway-sockets.target', 'PropagatesStopTo'), sockets);
  assert.deepEqual(values('mesh-gateway-sockets.target', 'PartOf'), ['mesh-gateway.service']);
  for (const unit of sockets.flatMap((line) => line.split(' '))) {
    for (const key of ['PartOf', 'BindsTo', 'Requires']) assert.deepEqual(values(unit, key), [], `${unit} ${key}`);
  }
});

test('the service waits longer for the end than a drain takes', () => {
  const [seconds] = values('mesh-gateway.service', 'TimeoutStopSec');
  // the supervisor gives its workers 2 s and control 2 s beyond the drain
  assert.ok(Number.parseInt(seconds ?? '', 10) * 1_000 > defaults.timeouts.drainMs + 4_000);
});

test('the limits of the service hold two generations of the most workers that the default starts', () => {
  const roles = 4 + 2;
  const [tasks] = values('mesh-gateway.service', 'TasksMax');
  assert.ok(Number(tasks) >= 2 * roles * 16, `TasksMax=${tasks}`);
  const [memory] = values('mesh-gateway.service', 'MemoryMax');
  assert.ok(Number.parseInt(memory ?? '', 10) * 1024 >= 2 * (4 * 250 + 400), `MemoryMax=${memory}`);
});

test('install.sh knows every unit', () => {
  const script = readFileSync(`${root}/install.sh`, 'utf8');
  const units = readdirSync(`${root}/systemd`).filter((name) => /\.(service|socket|target)$/.test(name));
  for (const unit of units) assert.match(script, new RegExp(`[ (=]${unit.replaceAll('.', '\\.')}\\b`));
});

test('the drop-in gives the service, under the name that the settings use, the file that install.sh keeps', () => {
  const [credential = ''] = values('mesh-gateway.service.d/kubeconfig.conf', 'LoadCredential');
  const [name, file] = credential.split(':');
  const script = readFileSync(`${root}/install.sh`, 'utf8');
  assert.match(script, /readonly config=\/etc\/mesh-gateway\nreadonly/);
  assert.match(script, /readonly access=\$config\/kubeconfig\n/);
  assert.equal(file, '/etc/mesh-gateway/kubeconfig');
  assert.match(script, new RegExp(`kubeconfig: credential:${name}\\b`));
  // without the file systemd would not start the service
  assert.deepEqual(values('mesh-gateway.service', 'LoadCredential'), []);
});

test('the shell scripts have nothing that shellcheck minds', { skip: requires({ programs: ['shellcheck'] }) }, () => {
  execFileSync('shellcheck', ['install.sh', 'config/cluster/kubeconfig.sh', 'test/kit/systemd-node.sh'], {
    cwd: root,
    stdio: 'pipe',
  });
});
