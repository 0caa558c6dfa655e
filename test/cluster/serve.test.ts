/**
 * The whole program in a cluster, by the commands of config/cluster/README.md and the real kubectl: an account of its own
 * rights, the owner's three objects as they are, weights changed from both sides.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { KubernetesVersion } from '#test/kit/api-server/cluster-profile.ts';
import type { KubeObject } from '#test/kit/api-server/kube-object.ts';
import { isRealCluster, TestCluster } from '#test/kit/cluster.ts';
import { prepareAccount } from '#test/kit/cluster-account.ts';
import { ClusterApp, podAddresses } from '#test/kit/cluster-app.ts';
import { eventually } from '#test/kit/eventually.ts';
import { get, TestGateway } from '#test/kit/gateway.ts';
import { requires, sharedDir } from '#test/kit/require.ts';

const OWNERS_OBJECTS = path.join(sharedDir, 'seed/app-gateway.yaml');
const COMMAND = fileURLToPath(new URL('../../admin/cli/bin.js', import.meta.url));
const execute = promisify(execFile);

const skip =
  requires({ shared: true, programs: ['kubectl'] }) ||
  (podAddresses.length < 2 && 'needs two IPv4 addresses of this machine that a cluster takes as pods');

/** The ages of Kubernetes that the test API server plays; a real cluster has its own. */
const versions: readonly (KubernetesVersion | 'KUBECONFIG')[] = isRealCluster()
  ? ['KUBECONFIG']
  : ['1.32', '1.20', '1.12'];
for (const version of versions)
  describe(`the whole program in a cluster of ${version}`, { skip }, () => {
    let cluster: TestCluster;
    let namespace: string;
    let app: ClusterApp;
    let gateway: TestGateway;

    before(async () => {
      cluster = await TestCluster.open({ rbac: 'enforced', ...(version === 'KUBECONFIG' ? {} : { version }) });
      await cluster.installIstioKinds();
      namespace = await cluster.namespace();
      const kubeconfig = await prepareAccount(cluster, namespace);
      app = await ClusterApp.start(cluster, namespace);
      await kubectl('apply', '-f', OWNERS_OBJECTS);
      const source = { kubernetes: { kubeconfig, namespaces: [namespace] } };
      gateway = await TestGateway.start({ routes: {}, settings: { source, namespace } });
    });
    after(async () => {
      await gateway?.stop();
      await app?.close();
      await cluster?.close();
    });

    const kubectl = (...args: string[]) => cluster.run(['-n', namespace, ...args]);

    it("serves both versions of the owner's example", async () => {
      await serves('v1', 'v2');
      await eventually(async () => (await gateway.problems()).length === 0, { timeoutMs: 30_000, what: 'no problems' });
    });

    it('serves weights that kubectl patches, by all workers, within 200 ms of the patch', async (context) => {
      const times: number[] = [];
      for (const [v1, v2] of [
        [100, 0],
        [0, 100],
        [100, 0],
      ] as const) {
        const version = Math.max(...(await gateway.workers()).map((worker) => worker.version));
        await patchWeights(v1, v2);
        const begin = performance.now();
        await eventually(async () => (await gateway.workers()).every((worker) => worker.version > version));
        times.push(performance.now() - begin);
        await serves(v1 === 100 ? 'v1' : 'v2');
      }
      context.diagnostic(`served by all workers after ${times.map(Math.round).join(', ')} ms`);
      assert.ok(Math.min(...times) < 200, `served after ${times.map(Math.round).join(', ')} ms`);
    });

    it('shifts traffic from its own command line, and kubectl sees it', async () => {
      const args = [COMMAND, 'shift', `${namespace}/myapp`, 'v1=0', 'v2=100', '--admin', gateway.socket];
      await execute(process.execPath, args);
      await serves('v2');
      const yaml = await kubectl('get', 'virtualservice', 'myapp', '-o', 'yaml');
      assert.match(yaml, /subset: v1\n\s+weight: 0\n[\s\S]*subset: v2\n\s+weight: 100\n/);
      // kubectl hides managers, by a flag that old ones lack.
      const raw = await kubectl(
        'get',
        '--raw',
        `/apis/networking.istio.io/v1alpha3/namespaces/${namespace}/virtualservices/myapp`,
      );
      const { metadata } = JSON.parse(raw) as KubeObject;
      const managers = metadata.managedFields?.map(({ manager }) => manager);
      assert.ok(managers === undefined || managers.includes('mesh-gateway'), `managers: ${managers?.join()}`);
    });

    it('stops serving what kubectl deletes, and serves it again when it is back', async () => {
      await kubectl('delete', 'virtualservice', 'myapp');
      await eventually(async () => (await get(gateway.httpPort, '/')).status === 404, { what: 'no route' });
      await kubectl('apply', '-f', OWNERS_OBJECTS);
      await serves('v1', 'v2');
    });

    it('sends nothing to a pod that is not ready, until it is', async () => {
      await app.setReady(1, 'False');
      await serves('503', 'v1');
      await app.setReady(1, 'True');
      await serves('v1', 'v2');
    });

    it('says on an object what is wrong with it, where kubectl shows it', async () => {
      const wrong = {
        apiVersion: 'networking.istio.io/v1alpha3',
        kind: 'VirtualService',
        metadata: { name: 'wrong' },
        spec: {
          hosts: ['wrong.example'],
          gateways: ['app-gateway'],
          http: [{ route: [{ destination: { host: 'nowhere' } }] }],
        },
      };
      await cluster.run(['-n', namespace, 'apply', '-f', '-'], { stdin: wrong });
      const said = async () => {
        const { status } = await cluster.get(namespace, 'virtualservice', 'wrong');
        const { conditions = [] } = (status ?? {}) as { conditions?: { status: string; message: string }[] };
        return conditions.some((condition) => condition.status === 'False' && condition.message.includes('nowhere'));
      };
      await eventually(said, { timeoutMs: 30_000, what: 'the condition tells' });
      const told = async () => (await kubectl('get', 'events')).includes('virtualservice/wrong');
      await eventually(told, { timeoutMs: 30_000, what: 'an Event tells' });
      await kubectl('delete', 'virtualservice', 'wrong');
      await serves('v1', 'v2');
    });

    it('asks for nothing that its account may not do', (context) => {
      if (!cluster.hasAudit) return context.skip('the audit log is not ours');
      const requests = cluster.audit(`system:serviceaccount:${namespace}:mesh-gateway`);
      assert.ok(requests.length > 0);
      assert.deepEqual(
        requests.filter(({ code }) => code === 403),
        [],
      );
    });

    /** Waits until exactly these versions answer. */
    async function serves(...versions: readonly string[]): Promise<void> {
      await eventually(
        async () => {
          const answers = await Promise.all(Array.from({ length: 24 }, () => get(gateway.httpPort, '/')));
          const seen = new Set(answers.map(({ status, body }) => (status === 200 ? body.trim() : String(status))));
          return [...seen].sort().join() === versions.join();
        },
        { what: `${versions.join(' and ')} answer` },
      );
    }

    async function patchWeights(...weights: readonly number[]): Promise<void> {
      const patch = weights.map((value, index) => ({
        op: 'replace',
        path: `/spec/http/0/route/${index}/weight`,
        value,
      }));
      await kubectl('patch', 'virtualservice', 'myapp', '--type=json', '-p', JSON.stringify(patch));
    }
  });
