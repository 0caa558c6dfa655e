import { networkInterfaces } from 'node:os';
import type { KubeObject } from './api-server/kube-object.ts';
import { type Backend, startBackend } from './backend.ts';
import { isRealCluster, type TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './ports.ts';

/** Where the example's two pods can "run": a real cluster takes no loopback addresses as endpoints. */
export const podAddresses: readonly string[] = isRealCluster() ? ownAddresses() : ['127.0.0.2', '127.0.0.3'];

type Readiness = 'True' | 'False';

/**
 * The owner's application in a cluster, without a node that runs it: its Service, two Pods that no scheduler takes, and
 * backends of this process where the Pods say they are. What leads from the one to the others is written here, for a Service
 * without a selector: the controllers of a real cluster leave out Pods that are on no Node.
 */
export class ClusterApp {
  readonly #cluster: TestCluster;
  readonly #namespace: string;
  readonly #backends: readonly Backend[];
  readonly #ready: Readiness[] = ['True', 'True'];

  private constructor(cluster: TestCluster, namespace: string, backends: readonly Backend[]) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#backends = backends;
  }

  static async start(cluster: TestCluster, namespace: string): Promise<ClusterApp> {
    const [port = 0] = await freePorts(1);
    const starts = podAddresses.slice(0, 2).map((address, index) => startBackend(`v${index + 1}`, { address, port }));
    const app = new ClusterApp(cluster, namespace, await Promise.all(starts));
    await app.#create();
    for (const index of app.#backends.keys()) await app.setReady(index, 'True');
    return app;
  }

  /** What a kubelet reports of the pod, and what follows from it. */
  async setReady(index: number, ready: Readiness): Promise<void> {
    this.#ready[index] = ready;
    const name = `myapp-v${index + 1}`;
    const pod = await this.#cluster.get(this.#namespace, 'pod', name);
    const podIP = this.#backends[index]?.address;
    const conditions = [{ type: 'Ready', status: ready, lastTransitionTime: '2026-01-01T00:00:00Z' }];
    const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions };
    const url = `/api/v1/namespaces/${this.#namespace}/pods/${name}/status`;
    await this.#cluster.run(['replace', '--raw', url, '-f', '-'], { stdin: { ...pod, status } });
    await this.#writeEndpoints();
  }

  async close(): Promise<void> {
    await Promise.all(this.#backends.map((backend) => backend.close()));
  }

  async #create(): Promise<void> {
    const port = this.#backends[0]?.port ?? 0;
    const items = [aService(port), ...this.#backends.map((_, index) => aPod(`v${index + 1}`, port))];
    // The namespace's own service account, which pods need, comes a moment after the namespace.
    await eventually(async () => (await this.#apply(items)).code === 0, {
      timeoutMs: 30_000,
      what: 'the application is in the cluster',
    });
  }

  /** Slices where they are read; Endpoints beside them would be mirrored into further ones. */
  async #writeEndpoints(): Promise<void> {
    const isSliced = await this.#cluster.serves('discovery.k8s.io/v1');
    const { code, stderr } = await this.#apply([isSliced ? this.#slice() : this.#endpoints()]);
    if (code !== 0) throw new Error(stderr);
  }

  #endpoints(): KubeObject {
    const all = this.#backends.map(({ address }, index) => ({ ip: address, targetRef: this.#podRef(index) }));
    const addresses = all.filter((_, index) => this.#ready[index] === 'True');
    const notReadyAddresses = all.filter((_, index) => this.#ready[index] === 'False');
    const ports = [{ name: 'http', port: this.#backends[0]?.port, protocol: 'TCP' }];
    return {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: 'myapp' },
      subsets: [{ addresses, notReadyAddresses, ports }],
    };
  }

  #slice(): KubeObject {
    const endpoints = this.#backends.map(({ address }, index) => ({
      addresses: [address],
      conditions: { ready: this.#ready[index] === 'True' },
      targetRef: this.#podRef(index),
    }));
    return {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'myapp-1', labels: { 'kubernetes.io/service-name': 'myapp' } },
      addressType: 'IPv4',
      endpoints,
      ports: [{ name: 'http', port: this.#backends[0]?.port, protocol: 'TCP' }],
    };
  }

  #podRef(index: number): unknown {
    return { kind: 'Pod', name: `myapp-v${index + 1}`, namespace: this.#namespace };
  }

  #apply(items: readonly KubeObject[]): ReturnType<TestCluster['kubectl']> {
    const stdin = { apiVersion: 'v1', kind: 'List', items };
    return this.#cluster.kubectl(['-n', this.#namespace, 'apply', '-f', '-'], { stdin });
  }
}

function aService(port: number): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'myapp', labels: { app: 'myapp' } },
    spec: { ports: [{ port: 80, targetPort: port, name: 'http' }] },
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
