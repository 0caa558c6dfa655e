import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { ApiServer } from '#test/kit/api-server/api-server.ts';
import type { KubeObject } from '#test/kit/api-server/kube-object.ts';
import { BIN, type Outcome } from '#test/unit/cli/cli-kit.ts';

const CLUSTER = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: default}
spec:
  hosts: [shop.example]
  gateways: [edge]
  http: [{route: [{destination: {host: shop, subset: v1}}]}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: default}
spec: {host: shop, subsets: [{name: v1, labels: {version: v1}}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: default}
spec: {selector: {app: shop}, ports: [{port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: broken, namespace: default}
spec:
  hosts: [broken.example]
  gateways: [edge]
  http: [{route: [{destination: {host: nobody}}]}]
`;

const READER: KubeObject[] = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'reader' },
    rules: [{ apiGroups: ['networking.istio.io', ''], resources: ['*'], verbs: ['list'] }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'reader' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' },
    subjects: [{ kind: 'User', name: 'reader', apiGroup: 'rbac.authorization.k8s.io' }],
  },
];

describe('mesh-gateway validate --against', () => {
  let server: ApiServer;
  let folder: string;
  const file = (name: string, text: string): string => {
    const full = path.join(folder, name);
    writeFileSync(full, text);
    return full;
  };

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'validate-'));
    server = await ApiServer.start({ rbac: 'enforced' });
    server.apply(...parseAllDocuments(CLUSTER).map((document) => document.toJS() as KubeObject), ...READER);
  });
  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  /** Runs the real command; `input` is its standard input. */
  async function validate(input: string, ...args: readonly string[]): Promise<Outcome> {
    const kubeconfig = file('kubeconfig', server.kubeconfig());
    const child = spawn(process.execPath, [BIN, 'validate', '-', '--against', ...args], {
      env: { PATH: process.env['PATH'] ?? '', KUBECONFIG: kubeconfig },
    });
    const outcome = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (outcome.out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (outcome.err += text));
    child.stdin.end(input);
    const code = await new Promise<number>((resolve) => child.once('close', (one) => resolve(one ?? -1)));
    return { code, ...outcome };
  }

  const route = (subset: string) =>
    `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: shop}\nspec:\n  hosts: [shop.example]\n  gateways: [edge]\n  http: [{route: [{destination: {host: shop, subset: ${subset}}}]}]\n`;

  test('what fits into the cluster is code 0; what was wrong there before is not repeated', async () => {
    const { code, out } = await validate(route('v1'));
    assert.equal(out, '');
    assert.equal(code, 0);
  });

  test('a reference that the cluster does not have is an error, with the page of its code', async () => {
    const { code, out, err } = await validate(route('v2'));
    assert.equal(code, 1);
    assert.match(out, /^<stdin>:7:\d+: error MG0303 VirtualService\/default\/shop .*has the subsets v1, not v2/);
    assert.match(err, /1 object in 1 file: 1 error/);
    assert.match(err, /MG0303 is explained in \S+docs\/problems\/MG0303\.md/);
  });

  test('what a change would break in objects of the cluster is told', async () => {
    const rule =
      'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: shop}\nspec: {host: shop, subsets: [{name: v2, labels: {version: v2}}]}\n';
    const { code, out } = await validate(rule, '-o', 'json');
    assert.equal(code, 1);
    const { problems } = JSON.parse(out) as { problems: { code: string; object: { name: string } }[] };
    assert.deepEqual(
      problems.map((problem) => [problem.code, problem.object.name]),
      [['MG0303', 'shop']],
    );
  });

  test('kinds that the account may not list are told, once each', async () => {
    const limited = file('limited', server.kubeconfig({ user: 'reader' }));
    const { code, out } = await validate(route('v1'), '--kubeconfig', limited);
    assert.equal(code, 0);
    assert.match(out, /warning MG1012: .* may not list objects of kind AuthorizationPolicy/);
    assert.doesNotMatch(out, /kind VirtualService/);
  });

  test('objects that name no namespace are of the one that the context names, or -n', async () => {
    const config = JSON.stringify(parse(server.kubeconfig())).replace('"context":{', '"context":{"namespace":"other",');
    const kubeconfig = file('namespaced', config);
    const away = await validate(route('v1'), '--kubeconfig', kubeconfig);
    assert.match(away.out, /VirtualService\/other\/shop spec\.gateways\[0\]: There is no Gateway other\/edge/);
    assert.equal((await validate(route('v1'), '--kubeconfig', kubeconfig, '-n', 'default')).out, '');
  });

  test('a cluster that cannot be read is code 3, wrong flags are code 2', async () => {
    const nowhere = file('nowhere', server.kubeconfig({ url: 'https://127.0.0.1:9' }));
    const away = await validate(route('v1'), '--kubeconfig', nowhere);
    assert.equal(away.code, 3);
    assert.match(away.err, /The cluster cannot be read: /);
    const missing = await validate(route('v1'), '--kubeconfig', path.join(folder, 'none'));
    assert.equal(missing.code, 3);
  });
});
