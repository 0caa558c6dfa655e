/**
 * Where the secrets of a node with a cluster are, and where they never are: token and private keys, with the whole
 * program running, a server that sends back what it was sent, and every answer, line and file looked at.
 */
import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { KubeObject } from '../kit/api-server/kube-object.ts';
import { makeCa } from '../kit/certificates.ts';
import { ClusterGateway } from '../kit/cluster-gateway.ts';
import { eventually } from '../kit/eventually.ts';
import { get, request } from '../kit/gateway.ts';

const encode = (text: string): string => Buffer.from(text).toString('base64');

const secret = (name: string, namespace: string, data: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'Opaque',
  metadata: { name, namespace },
  data: Object.fromEntries(Object.entries(data).map(([entry, value]) => [entry, encode(value)])),
});

test('token and keys are in no log, answer, argument or environment, and in no file that others can read', async () => {
  const { certificatePem, privateKeyPem } = await (await makeCa('site')).issue({ names: ['shop.example'] });
  const tls = { 'tls.crt': certificatePem, 'tls.key': privateKeyPem, password: 'never-to-be-kept' };
  const gateway: KubeObject = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'secure', namespace: 'default' },
    spec: {
      selector: { istio: 'ingressgateway' },
      servers: ['shop', 'other'].map((name) => ({
        port: { number: 443, name, protocol: 'HTTPS' },
        hosts: [`${name}.example`],
        tls: { mode: 'SIMPLE', credentialName: name },
      })),
    },
  };
  const cluster = await ClusterGateway.start({
    objects: [
      secret('shop', 'istio-system', tls),
      secret('unnamed', 'istio-system', { 'tls.crt': certificatePem, 'tls.key': 'unnamed-key' }),
      secret('other', 'elsewhere', { ...tls, 'tls.key': 'key-of-elsewhere' }),
      gateway,
    ],
  });
  try {
    const token = /token: (\S+)/.exec(readFileSync(cluster.kubeconfig, 'utf8'))?.[1] ?? assert.fail('a token');
    cluster.server.faults.add(
      { kind: 'status', status: 403, message: `Authorization: Bearer ${token}` },
      { resources: ['pods'], verbs: ['list', 'watch'] },
    );
    cluster.server.faults.failWatches(410, 'pods');
    const problems = () => cluster.gateway.problems();
    await eventually(async () => (await problems()).some((text) => text.includes('Bearer [redacted]')), {
      timeoutMs: 15_000,
      what: 'the echo is told without the token',
    });
    assert.ok((await problems()).some((text) => /no Secret istio-system\/other or default\/other/.test(text)));
    const keyLine = privateKeyPem.split('\n')[2] ?? assert.fail('a key');
    const secrets = [
      token,
      keyLine,
      encode(privateKeyPem).slice(80, 140),
      'unnamed-key',
      'key-of-elsewhere',
      'never-to-be-kept',
    ];
    const forms = secrets.flatMap((one) => [one, encode(one).replace(/=+$/, '')]);
    const assertClean = (what: string, text: string): void => {
      for (const form of forms) assert.ok(!text.includes(form), `${what} holds ${form.slice(0, 12)}...`);
    };
    assertClean('the log', cluster.gateway.output);
    for (const [what, text] of Object.entries(await answersOf(cluster))) assertClean(what, text);
    for (const pid of familyOf(cluster.gateway.pid))
      for (const name of ['cmdline', 'environ'])
        assertClean(`${name} of ${pid}`, readFileSync(`/proc/${pid}/${name}`, 'utf8'));
    const holders = filesIn(cluster.gateway.dir).filter((file) => {
      const text = readFileSync(file, 'latin1');
      const isSecret = forms.some((form) => text.includes(form));
      if (isSecret) assert.equal(statSync(file).mode & 0o077, 0, `${file} is for its owner`);
      for (const never of forms.slice(6)) assert.ok(!text.includes(never), `${file} holds ${never}`);
      return isSecret;
    });
    assert.ok(holders.length > 0, 'the accepted objects and the snapshot hold the key');
    for (const name of ['state', 'run'])
      assert.equal(statSync(path.join(cluster.gateway.dir, name)).mode & 0o077, 0, `${name} is for its owner`);
    chmodSync(cluster.kubeconfig, 0o644);
    const ask = { socketPath: cluster.gateway.socket, path: '/api/v1/problems', headers: { host: 'localhost' } };
    await eventually(async () => (await request(ask)).body.includes('"MG1016"'), {
      timeoutMs: 10_000,
      what: 'a kubeconfig that everybody may read is told',
    });
  } finally {
    await cluster.stop();
  }
});

/** Every answer of the admin API, the metrics and the health check. */
async function answersOf({ gateway }: ClusterGateway): Promise<Record<string, string>> {
  const ask = (url: string) => request({ socketPath: gateway.socket, path: url, headers: { host: 'localhost' } });
  const { paths } = JSON.parse((await ask('/openapi.json')).body) as { readonly paths: Record<string, object> };
  const urls = Object.keys(paths).map((url) => url.replace('{namespace}', 'default').replace('{name}', 'myapp'));
  assert.ok(urls.length > 5);
  const answers = await Promise.all(urls.map(async (url) => [url, (await ask(url)).body] as const));
  return {
    ...Object.fromEntries(answers),
    metrics: (await get(gateway.metricsPort, '/metrics')).body,
    health: (await get(gateway.healthPort, '/healthz/ready?verbose')).body,
  };
}

/** A process and all that came of it. */
function familyOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(familyOf)];
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}
