/**
 * The whole program in a cluster, by the commands of config/cluster/README.md and the real kubectl: an account of its own
 * rights, the owner's three objects as they are, weights changed from both sides.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { KubernetesVersion } from '#test/kit/api-server/cluster-profile.ts';
import type { KubeObject } from '#test/kit/api-server/kube-object.ts';
import { type Backend, startBackend } from '#test/kit/backend.ts';
import { isRealCluster, TestCluster } from '#test/kit/cluster.ts';
import { prepareAccount } from '#test/kit/cluster-account.ts';
import { eventually } from '#test/kit/eventually.ts';
import { get, TestGateway } from '#test/kit/gateway.ts';
import { freePorts } from '#test/kit/ports.ts';
import { requires, sharedDir } from '#test/kit/require.ts';

const OWNERS_OBJECTS = path.join(sharedDir, 'seed/app-gateway.yaml');
const COMMAND = fileURLToPath(new URL('../../admin/cli/bin.js', import.meta.url));
const execute = promisify(execFile);

/** Where the example's two pods "run": a real cluster takes no loopback addresses as endpoints. */
const addresses = isRealCluster() ? ownAddresses() : ['127.0.0.2', '127.0.0.3'];
const skip =
  requires({ shared: true, programs: ['kubectl'] }) ||
  (addresses.length < 2 && 'needs two IPv4 addresses of this machine that a cluster takes as pods');

/** The ages of Kubernetes that the test API server plays; a real cluster has its own. */
const versions: readonly (KubernetesVersion | 'KUBECONFIG')[] = isRealCluster()
  ? ['KUBECONFIG']
  : ['1.32', '1.20', '1.12'];
for (const version of versions)
  describe(`the whole program in a cluster of ${version}`, { skip }, () => {
    let cluster: TestCluster;
    let namespace: string;
    let backends: readonly Backend[];
    let gateway: TestGateway;

    before(async () => {
      cluster = await TestCluster.open({ rbac: 'enforced', ...(version === 'KUBECONFIG' ? {} : { version }) });
      await cluster.installIstioKinds();
      namespace = await cluster.namespace();
      const kubeconfig = await prepareAccount(cluster, namespace);
      const [port = 0] = await freePorts(1);
      backends = await Promise.all(
        addresses.slice(0, 2).map((address, index) => startBackend(`v${index + 1}`, { address, port })),
      );
      await applyApplication(port);
      await kubectl('apply', '-f', OWNERS_OBJECTS);
      const source = { kubernetes: { kubeconfig, namespaces: [namespace] } };
      gateway = await TestGateway.start({ routes: {}, settings: { source, namespace } });
    });
    after(async () => {
      await gateway?.stop();
      await Promise.all((backends ?? []).map((backend) => backend.close()));
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

    it('asks for nothing that its account may not do', { skip: isRealCluster() && 'the audit log is not ours' }, () => {
      const user = `system:serviceaccount:${namespace}:mesh-gateway`;
      const requests = cluster.server?.audit.entries({ user }) ?? [];
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

    /** The Service, two ready Pods that no node runs, and their addresses as a controller would write them. */
    async function applyApplication(port: number): Promise<void> {
      const items = [aService(port), ...backends.map((_, index) => aPod(`v${index + 1}`, port)), await endpoints(port)];
      // The namespace's own service account, which pods need, comes a moment after the namespace.
      await eventually(
        async () => {
          const { code } = await cluster.kubectl(['-n', namespace, 'apply', '-f', '-'], {
            stdin: { apiVersion: 'v1', kind: 'List', items },
          });
          return code === 0;
        },
        { timeoutMs: 30_000, what: 'the application is in the cluster' },
      );
      for (const [index, { address }] of backends.entries()) await makeReady(`myapp-v${index + 1}`, address);
    }

    async function makeReady(name: string, address: string): Promise<void> {
      const pod = await cluster.get(namespace, 'pod', name);
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
      const status = { phase: 'Running', podIP: address, podIPs: [{ ip: address }], conditions };
      const url = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
      await cluster.run(['replace', '--raw', url, '-f', '-'], { stdin: { ...pod, status } });
    }

    async function endpoints(port: number): Promise<KubeObject> {
      if (await cluster.serves('discovery.k8s.io/v1')) return aSlice('discovery.k8s.io/v1', port);
      if (await cluster.serves('discovery.k8s.io/v1beta1')) return aSlice('discovery.k8s.io/v1beta1', port);
      const addresses = backends.map(({ address }, index) => ({ ip: address, targetRef: podRef(index) }));
      const subsets = [{ addresses, ports: [{ name: 'http', port, protocol: 'TCP' }] }];
      return { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'myapp' }, subsets };
    }

    function aSlice(apiVersion: string, port: number): KubeObject {
      return {
        apiVersion,
        kind: 'EndpointSlice',
        metadata: { name: 'myapp-test', labels: { 'kubernetes.io/service-name': 'myapp' } },
        addressType: 'IPv4',
        endpoints: backends.map(({ address }, index) => ({
          addresses: [address],
          conditions: { ready: true },
          targetRef: podRef(index),
        })),
        ports: [{ name: 'http', port, protocol: 'TCP' }],
      };
    }

    function podRef(index: number): unknown {
      return { kind: 'Pod', name: `myapp-v${index + 1}`, namespace };
    }
  });

function aService(port: number): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'myapp', labels: { app: 'myapp' } },
    spec: { ports: [{ port: 80, targetPort: port, name: 'http' }], selector: { app: 'myapp' } },
  };
}

function aPod(version: string, containerPort: number): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `myapp-${version}`, labels: { app: 'myapp', version } },
    spec: {
      schedulerName: 'nobody',
      containers: [{ name: 'myapp', image: 'nowhere.invalid/myapp', ports: [{ containerPort }] }],
    },
  };
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address);
}
