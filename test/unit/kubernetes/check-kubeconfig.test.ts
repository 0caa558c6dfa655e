import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { kubeconfigText } from './stub-server.ts';

const program = fileURLToPath(new URL('../../../gateway/control/kubernetes/check-kubeconfig.ts', import.meta.url));
const cluster = { server: 'https://10.0.0.1:6443' };

function check(text: string): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'node.kubeconfig'], { input: text });
  return { code: status, said: `${stdout.toString()}${stderr.toString()}` };
}

test('a kubeconfig that the service can use passes without a word', () => {
  const user = { token: 'a-token' };
  assert.deepEqual(check(kubeconfigText(cluster, user)), { code: 0, said: '' });
  const withFile = { ...cluster, 'certificate-authority': '/etc/kubernetes/pki/ca.crt' };
  assert.deepEqual(check(kubeconfigText(withFile, { tokenFile: '/run/token' })), { code: 0, said: '' });
});

test('one that it cannot use is refused in one line that says why, without its secrets', () => {
  const faults: readonly (readonly [string, RegExp])[] = [
    ['', /node\.kubeconfig is empty/],
    ['a: [s3cret', /node\.kubeconfig is not readable YAML/],
    [kubeconfigText(cluster, { exec: { command: 'aws' }, token: 's3cret' }), /exec is not supported/],
    [kubeconfigText({ server: 'http://10.0.0.1' }, { token: 's3cret' }), /http:\/\/10\.0\.0\.1 is not usable/],
    [kubeconfigText(cluster, { tokenFile: 'token' }), /names the file token relative to itself.*--flatten/],
    [
      kubeconfigText({ ...cluster, 'certificate-authority': './ca.crt' }, { token: 's3cret' }),
      /names the file \.\/ca\.crt relative/,
    ],
  ];
  for (const [text, expected] of faults) {
    const { code, said } = check(text);
    assert.equal(code, 1, said);
    assert.match(said, expected);
    assert.match(said, /^[^\n]+\n$/);
    assert.doesNotMatch(said, /s3cret/);
  }
});
