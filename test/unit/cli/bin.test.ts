import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startTestAdmin, temporaryDir } from '../admin/admin-kit.ts';
import { BIN, runBin } from './cli-kit.ts';

const OLD_NODE = '/usr/bin/node';

test('a Node.js that is too old gets one sentence and exit code 1', { skip: noOldNode() }, async () => {
  const { code, out, err } = await runBin(['--help'], { node: OLD_NODE });
  assert.equal(code, 1);
  assert.equal(out, '');
  assert.match(err, /^mesh-gateway needs Node\.js 26\.9 or newer, this is v\d+\.\d+\.\d+; .*\n$/);
});

test('the command is executable and starts with env node', () => {
  assert.match(readFileSync(BIN, 'utf8'), /^#!\/usr\/bin\/env node\n/);
  assert.match(
    execFileSync(BIN, ['version'], {
      env: { PATH: `${path.dirname(process.execPath)}:${process.env['PATH']}` },
      encoding: 'utf8',
    }),
    /^mesh-gateway \d/,
  );
});

test('the real command shifts over the admin socket and prints the result on stdout alone', async (t) => {
  const admin = await startTestAdmin(t);
  const { code, out, err } = await runBin(['shift', 'myapp', 'v1=90', 'v2=10', '--admin', admin.socket]);
  assert.deepEqual([code, err], [0, '']);
  assert.match(
    out,
    /default\/myapp .*v1=90 \(was 50\), v2=10 \(was 50\)\n.*version 8, served by 2 workers of node-1\nedited app\.yaml/,
  );
  assert.deepEqual({ ...admin.backend.shifts[0]?.weights }, { v1: 90, v2: 10 });
});

test('a refusal is on stderr with exit code 1, an absent gateway has code 3, wrong usage code 2', async (t) => {
  const admin = await startTestAdmin(t);
  const refused = await runBin(['shift', 'other', 'v1=1', '--admin', admin.socket]);
  assert.deepEqual([refused.code, refused.out], [1, '']);
  assert.match(refused.err, /^mesh-gateway: there is no such VirtualService\n$/);
  const absent = await runBin(['get', 'status', '--admin', '/nonexistent/admin.sock']);
  assert.deepEqual([absent.code, absent.out], [3, '']);
  const usage = await runBin(['shift', 'myapp', '--admin', admin.socket]);
  assert.deepEqual([usage.code, usage.out], [2, '']);
});

test('validate looks with the eyes of the gateway whose settings are named', async (t) => {
  const dir = temporaryDir(t);
  const file = (name: string, text: string): string => {
    writeFileSync(path.join(dir, name), text);
    return path.join(dir, name);
  };
  const policy = file(
    'policy.yaml',
    'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: edge}\nspec: {rules: [{when: [{key: k, values: [v]}]}]}\n',
  );
  const accepts = 'namespace: edge\nsecurity: {acceptUnenforced: [AuthorizationPolicy/edge/p]}\n';
  for (const [settings, code, told] of [
    [undefined, 0, /info MG0404 /],
    ['namespace: edge\n', 1, /error MG0401 /],
    [accepts, 0, /warning MG0402 /],
    ['namespace: EDGE\n', 2, /^$/],
  ] as const) {
    const flags = settings === undefined ? [] : ['--settings', file('gateway.yaml', settings)];
    const outcome = await runBin(['validate', policy, ...flags]);
    assert.equal(outcome.code, code, `${settings}: ${outcome.err}`);
    assert.match(outcome.out, told);
  }
});

test('a reader that goes away is no failure', async (t) => {
  const admin = await startTestAdmin(t);
  const command = `"${process.execPath}" "${BIN}" get routes -o json --admin "${admin.socket}" | head -c 1 >/dev/null; echo "\${PIPESTATUS[0]}"`;
  const { promise, resolve } = Promise.withResolvers<string>();
  const { execFile } = await import('node:child_process');
  execFile('bash', ['-c', command], (_error, stdout, stderr) => resolve(`${stdout}${stderr}`));
  assert.equal((await promise).trim(), '0');
});

function noOldNode(): string | false {
  if (!existsSync(OLD_NODE)) return `there is no ${OLD_NODE}`;
  const major = Number(execFileSync(OLD_NODE, ['-p', 'process.versions.node'], { encoding: 'utf8' }).split('.')[0]);
  return major < 26 ? false : `${OLD_NODE} is new enough to run the program`;
}
