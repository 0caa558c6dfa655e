import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { NodeItem } from '../../admin/api/schemas.ts';
import { ApiServer } from './api-server/api-server.ts';
import type { KubeObject } from './api-server/kube-object.ts';
import { appliedManifests } from './cluster-manifests.ts';
import { type Answer, request, TestGateway } from './gateway.ts';
import { type MyApp, startMyApp } from './myapp.ts';
import { freePorts } from './ports.ts';

export const NODES = ['edge-1', 'edge-2'] as const;

/** Two whole programs on one cluster, each with its own way to it, serving the owner's example. */
export class TwoAppliances {
  readonly server: ApiServer;
  readonly gateways: readonly TestGateway[];
  readonly #app: MyApp;
  readonly #dir: string;

  private constructor(parts: { server: ApiServer; gateways: readonly TestGateway[]; app: MyApp; dir: string }) {
    this.server = parts.server;
    this.gateways = parts.gateways;
    this.#app = parts.app;
    this.#dir = parts.dir;
  }

  static async start(): Promise<TwoAppliances> {
    const server = await ApiServer.start({ doors: NODES.length, bookmarkIntervalMs: 1_000, rbac: 'enforced' });
    const app = await startMyApp();
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } };
    server.apply(namespace, ...rightsOf(NODES), ...objectsOf(app));
    const dir = mkdtempSync(path.join(tmpdir(), 'mesh-gateway-two-'));
    const [http, https] = await freePorts(2);
    const gateways = await Promise.all(
      NODES.map((node, door) => {
        const kubeconfig = path.join(dir, `${node}.kubeconfig`);
        writeFileSync(kubeconfig, server.kubeconfig({ user: node, url: server.urls[door] ?? '' }), { mode: 0o600 });
        // One machine plays both: what they serve is the same if the ports are, so each has an address of its own.
        const address = `127.0.0.${door + 1}`;
        const settings = { node, address, ports: { 80: http, 443: https }, source: { kubernetes: { kubeconfig } } };
        return TestGateway.start({ routes: {}, settings, workers: 1 });
      }),
    );
    return new TwoAppliances({ server, gateways, app, dir });
  }

  /** The nodes as one of them shows them, by name. */
  async nodes(viewer: number): Promise<Record<string, NodeItem>> {
    const { body } = await this.ask(viewer, { method: 'GET', path: '/api/v1/nodes' });
    const { items } = JSON.parse(body) as { items: NodeItem[] };
    return Object.fromEntries(items.map((item) => [item.node, item]));
  }

  /** Who leads in the eyes of one node. */
  async leader(viewer: number): Promise<string | undefined> {
    return Object.values(await this.nodes(viewer)).find(({ leader }) => leader)?.node;
  }

  shift(viewer: number, weights: Readonly<Record<string, number>>): Promise<Answer> {
    return this.ask(viewer, { method: 'PUT', path: '/api/v1/traffic/default/myapp', body: { weights } });
  }

  ask(viewer: number, { method, path: url, body }: { method: string; path: string; body?: unknown }): Promise<Answer> {
    const headers = { host: 'localhost', 'content-type': 'application/json' };
    const socketPath = this.gateways[viewer]?.socket ?? '';
    return request({ socketPath, method, path: url, headers }, body === undefined ? undefined : JSON.stringify(body));
  }

  async stop(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.stop()));
    await this.#app.close();
    await this.server.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** What `config/cluster` gives to its one account, given to each node, so that the audit tells them apart. */
function rightsOf(users: readonly string[]): KubeObject[] {
  return appliedManifests().map((manifest) => {
    const object = structuredClone(manifest) as unknown as KubeObject;
    const subjects = users.map((name) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }));
    return 'roleRef' in object ? { ...object, subjects } : object;
  });
}

function objectsOf(app: MyApp): KubeObject[] {
  const written = Object.values(app.routes).flatMap((text) =>
    parseAllDocuments(text).map((document) => document.toJS() as KubeObject),
  );
  for (const object of written) object.metadata.namespace ??= 'default';
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'myapp-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'myapp' } },
    addressType: 'IPv4',
    endpoints: app.backends.map(({ address }, index) => ({
      addresses: [address],
      conditions: { ready: true },
      targetRef: { kind: 'Pod', name: `myapp-v${index + 1}`, namespace: 'default' },
    })),
    ports: [{ name: 'http', port: app.backends[0].port, protocol: 'TCP' }],
  };
  return [...written, slice];
}
