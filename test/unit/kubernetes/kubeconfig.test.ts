import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import type { Material } from '#gateway/control/kubernetes/cluster-access.ts';
import { parseKubeconfig } from '#gateway/control/kubernetes/kubeconfig.ts';
import { kubeconfigText } from './stub-server.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const file = '/etc/mesh-gateway/kubeconfig';
const cluster = { server: 'https://10.0.0.1:6443', 'certificate-authority-data': base64(PEM) };

function show(material: Material | undefined): string | undefined {
  return material && ('text' in material ? material.text.reveal() : `file ${material.file}`);
}

test('a kubeconfig gives server, authority and token of its current context', () => {
  const access = parseKubeconfig(kubeconfigText(cluster, { token: 'abc' }), { file });
  assert.deepEqual(access.servers.map(String), ['https://10.0.0.1:6443/']);
  assert.equal(show(access.ca), PEM);
  assert.equal(show(access.token), 'abc');
  assert.equal(access.description, 'context main of /etc/mesh-gateway/kubeconfig');
});

test('data wins over files, a token file over a token, and relative paths start at the kubeconfig', () => {
  const text = kubeconfigText(
    { ...cluster, 'certificate-authority': 'ignored.crt', 'tls-server-name': 'kubernetes' },
    { token: 'abc', tokenFile: 'token', 'client-certificate': 'tls/node.crt', 'client-key-data': base64(PEM) },
  );
  const access = parseKubeconfig(text, { file });
  assert.equal(show(access.ca), PEM);
  assert.equal(access.tlsServerName, 'kubernetes');
  assert.equal(show(access.token), 'file /etc/mesh-gateway/token');
  assert.equal(show(access.client?.certificate), 'file /etc/mesh-gateway/tls/node.crt');
  assert.equal(show(access.client?.privateKey), PEM);
});

test('the settings name another context and further servers of the same cluster', () => {
  const text = kubeconfigText(cluster, {}).replace('name: main', 'name: other');
  const servers = ['https://10.0.0.2:6443', 'https://10.0.0.1:6443'];
  const access = parseKubeconfig(text, { file, context: 'other', servers });
  assert.deepEqual(access.servers.map(String), ['https://10.0.0.1:6443/', 'https://10.0.0.2:6443/']);
});

const REFUSED: readonly (readonly [string, Record<string, unknown>, Record<string, unknown>, RegExp])[] = [
  [
    'a plain-text server',
    { server: 'http://10.0.0.1:8080' },
    {},
    /http:\/\/10\.0\.0\.1:8080 is not usable: write https/,
  ],
  ['a missing server', {}, {}, /The server "" is not usable/],
  [
    'a server with a password in it',
    { server: 'https://me:s3cret@10.0.0.1' },
    {},
    /https:\/\/10\.0\.0\.1 is not usable/,
  ],
  [
    'a misspelt one with a password in it',
    { server: 'https//me:s3cret@10.0.0.1' },
    {},
    /The server "10\.0\.0\.1" is not/,
  ],
  ['unverified TLS', { ...cluster, 'insecure-skip-tls-verify': true }, {}, /insecure-skip-tls-verify is refused/],
  ['a proxy', { ...cluster, 'proxy-url': 'http://proxy' }, {}, /proxy-url is not supported/],
  ['a credential plugin', cluster, { exec: { command: 'aws' } }, /exec is not supported.*tokenFile/],
  ['an auth provider', cluster, { 'auth-provider': { name: 'gcp' } }, /auth-provider is not supported/],
  [
    'a password',
    cluster,
    { username: 'me', password: 's3cret' },
    /username is not supported.*password is not supported/,
  ],
  ['impersonation', cluster, { as: 'admin' }, /as is not supported/],
  ['a certificate without its key', cluster, { 'client-certificate-data': base64(PEM) }, /without client-key/],
  ['a key without its certificate', cluster, { 'client-key-data': base64(PEM) }, /without client-certificate/],
  ['data that is not base64 of PEM', { ...cluster, 'certificate-authority-data': PEM }, {}, /not PEM in base64/],
];

for (const [what, clusterFields, user, message] of REFUSED) {
  test(`a kubeconfig with ${what} is refused in one clear sentence, without secrets`, () => {
    const read = (): unknown => parseKubeconfig(kubeconfigText(clusterFields, user), { file });
    assert.throws(read, (error: Error) => {
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /s3cret/);
      return error.name === 'AccessError';
    });
  });
}

test('every fault of a kubeconfig is told at once', () => {
  const text = kubeconfigText({ server: 'ftp://x', 'insecure-skip-tls-verify': true }, { exec: {} });
  assert.throws(() => parseKubeconfig(text, { file }), /ftp:\/\/x.*insecure-skip-tls-verify.*exec/);
});

test('a name that leads nowhere is told with the names that exist', () => {
  const text = kubeconfigText(cluster, {});
  assert.throws(() => parseKubeconfig(text, { file, context: 'nowhere' }), /has no context "nowhere"; it has: main\./);
  assert.throws(
    () => parseKubeconfig(text.replace('cluster: here', 'cluster: there'), { file }),
    /has no cluster "there"; it has: here/,
  );
  assert.throws(() => parseKubeconfig('apiVersion: v1\n', { file }), /has no current-context/);
  assert.throws(() => parseKubeconfig('', { file }), /is empty or not a mapping/);
});

test('broken YAML is placed, but not quoted: the line may hold a token', () => {
  assert.throws(
    () => parseKubeconfig('users:\n  - token: s3cret: "\n', { file }),
    (error: Error) => {
      assert.match(error.message, /not readable YAML \(\w+, line 2/);
      return !error.message.includes('s3cret');
    },
  );
});

test('access data prints without its secrets', () => {
  const access = parseKubeconfig(kubeconfigText(cluster, { token: 's3cret' }), { file });
  assert.doesNotMatch(inspect(access, { depth: 9 }) + JSON.stringify(access), /s3cret/);
});
