import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ApiServer, type ApiServerOptions } from './api-server/api-server.ts';
import type { KubeObject } from './api-server/kube-object.ts';
import { TestGateway } from './gateway.ts';
import { type MyApp, startMyApp } from './myapp.ts';
import { TcpRelay } from './tcp-relay.ts';
import { scratchFolder } from './temporary-folder.ts';

export type ClusterGatewayOptions = {
  readonly server?: ApiServerOptions;
  /** Of `source.kubernetes`, beside the kubeconfig. */
  readonly source?: Readonly<Record<string, unknown>>;
  /** Of the program, beside its source. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Whose rights the program has; default: an administrator's. */
  readonly account?: string;
  /** In the cluster from the start, beside the example. */
  readonly objects?: readonly KubeObject[];
  /** Instead of an EndpointSlice, as before Kubernetes 1.21. */
  readonly endpoints?: 'slices' | 'endpoints';
};

/** The owner's example in a test cluster, and the whole program that serves it from there. */
export class ClusterGateway {
  readonly server: ApiServer;
  readonly app: MyApp;
  /** The program's way to the API server. */
  readonly way: TcpRelay;
  readonly gateway: TestGateway;
  readonly kubeconfig: string;

  private constructor(parts: Pick<ClusterGateway, 'server' | 'app' | 'way' | 'gateway' | 'kubeconfig'>) {
    this.server = parts.server;
    this.app = parts.app;
    this.way = parts.way;
    this.gateway = parts.gateway;
    this.kubeconfig = parts.kubeconfig;
  }

  static async start(options: ClusterGatewayOptions = {}): Promise<ClusterGateway> {
    const server = await ApiServer.start({ bookmarkIntervalMs: 1_000, ...options.server });
    const app = await startMyApp();
    server.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } });
    server.apply(...myAppObjects(app, options.endpoints ?? 'slices'), ...(options.objects ?? []));
    const way = await TcpRelay.open(Number(new URL(server.url).port));
    const kubeconfig = path.join(scratchFolder('cluster'), 'kubeconfig');
    const user = options.account === undefined ? {} : { user: options.account };
    writeFileSync(kubeconfig, server.kubeconfig({ ...user, url: `https://127.0.0.1:${way.port}` }), { mode: 0o600 });
    const source = { kubernetes: { kubeconfig, ...options.source } };
    try {
      const gateway = await TestGateway.start({ routes: {}, settings: { ...options.settings, source } });
      return new ClusterGateway({ server, app, way, gateway, kubeconfig });
    } catch (error) {
      await Promise.all([way.close(), app.close(), server.stop()]);
      throw error;
    }
  }

  /** Changes the weights of the example as `kubectl patch` would. */
  setWeights(v1: number, v2: number): void {
    const object = this.server.object(MYAPP) as KubeObject & { spec: { http: { route: { weight: number }[] }[] } };
    const spec = structuredClone(object.spec);
    const [first, second] = spec.http[0]?.route ?? [];
    if (first !== undefined) first.weight = v1;
    if (second !== undefined) second.weight = v2;
    this.server.patch(MYAPP, { spec });
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.way.close();
    await this.app.close();
    await this.server.stop();
    rmSync(path.dirname(this.kubeconfig), { recursive: true, force: true });
  }
}

/** The example's VirtualService. */
export const MYAPP = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'myapp', namespace: 'default' },
} as const;

function myAppObjects(app: MyApp, endpoints: 'slices' | 'endpoints'): KubeObject[] {
  const written = Object.values(app.routes).flatMap((text) =>
    parseAllDocuments(text).map((document) => document.toJS() as KubeObject),
  );
  for (const object of written) object.metadata.namespace ??= 'default';
  return [...written, endpoints === 'slices' ? slice(app) : endpointsObject(app)];
}

function slice(app: MyApp): KubeObject {
  const metadata = { name: 'myapp-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'myapp' } };
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata,
    addressType: 'IPv4',
    endpoints: app.backends.map(({ address }, index) => ({
      addresses: [address],
      conditions: { ready: true },
      targetRef: podRef(index),
    })),
    ports: [{ name: 'http', port: app.backends[0].port, protocol: 'TCP' }],
  };
}

function endpointsObject(app: MyApp): KubeObject {
  const addresses = app.backends.map(({ address }, index) => ({ ip: address, targetRef: podRef(index) }));
  const ports = [{ name: 'http', port: app.backends[0].port }];
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'myapp', namespace: 'default' },
    subsets: [{ addresses, ports }],
  };
}

function podRef(index: number): unknown {
  return { kind: 'Pod', name: `myapp-v${index + 1}`, namespace: 'default' };
}
