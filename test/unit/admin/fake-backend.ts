import type {
  AdminBackend,
  Collection,
  NodeStatus,
  ObjectView,
  ShiftRefusal,
  ShiftRequest,
  ShiftResult,
  TrafficView,
} from '../../../admin/views.ts';
import type { ObjectRef } from '../../../gateway/snapshot/problem.ts';
import type { Snapshot } from '../../../gateway/snapshot/snapshot.ts';

/** What must never leave the admin side. */
export const PRIVATE_KEY = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n';

/** One of everything: both protocols, a redirect host, all kinds of actions and matches. */
export const snapshot: Snapshot = {
  schema: 1,
  version: 7,
  listeners: {
    'http.31380': { key: 'http.31380', gatewayPort: 80, nodePorts: [31380], protocol: 'HTTP', tls: [] },
    'https.31390': {
      key: 'https.31390',
      gatewayPort: 443,
      nodePorts: [31390],
      protocol: 'HTTPS',
      tls: [
        {
          key: 'default/app-gateway/https',
          hosts: ['*'],
          certificate: 'default/app-tls',
          minVersion: 'TLSv1.2',
          maxVersion: 'TLSv1.3',
        },
      ],
    },
  },
  virtualHosts: {
    'http.31380|*': {
      key: 'http.31380|*',
      listener: 'http.31380',
      domain: '*',
      routes: [
        {
          key: 'default/myapp/0',
          name: 'default',
          virtualService: 'default/myapp',
          matches: [
            {
              uri: { kind: 'prefix', value: '/api' },
              headers: [{ name: 'end-user', match: { kind: 'exact', value: 'jason' } }],
              withoutHeaders: [{ name: 'x-bot', match: { kind: 'present', value: '' } }],
              queryParams: [],
              port: 80,
            },
          ],
          action: {
            kind: 'forward',
            destinations: [
              { cluster: 'outbound|80|v1|myapp.default.svc.cluster.local', weight: 50 },
              { cluster: 'outbound|80|v2|myapp.default.svc.cluster.local', weight: 150 },
            ],
            timeoutMs: 1500,
          },
        },
        {
          key: 'default/myapp/1',
          name: 'old',
          virtualService: 'default/myapp',
          matches: [],
          action: { kind: 'redirect', status: 301, authority: 'new.example', path: { kind: 'replace', value: '/' } },
        },
        {
          key: 'default/myapp/2',
          name: 'teapot',
          virtualService: 'default/myapp',
          matches: [],
          action: { kind: 'direct-response', status: 418, body: 'short and stout' },
        },
      ],
    },
    'http.31380|secure.example': {
      key: 'http.31380|secure.example',
      listener: 'http.31380',
      domain: 'secure.example',
      httpsRedirect: { ports: { '31380': 31390 } },
      routes: [],
    },
    'http.31380|closed.example': {
      key: 'http.31380|closed.example',
      listener: 'http.31380',
      domain: 'closed.example',
      denied: { policies: ['AuthorizationPolicy/istio-system/office-only'] },
      routes: [],
    },
  },
  clusters: Object.fromEntries(
    ['v1', 'v2'].map((subset) => [`outbound|80|${subset}|myapp.default.svc.cluster.local`, cluster(subset)]),
  ),
  certificates: {
    'default/app-tls': {
      key: 'default/app-tls',
      certificatePem: '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n',
      privateKeyPem: PRIVATE_KEY,
      fingerprint: 'ab'.repeat(32),
      names: ['localhost', '127.0.0.1'],
      notBefore: Date.UTC(2020, 0, 1),
      notAfter: Date.UTC(2090, 0, 1),
    },
  },
};

function cluster(subset: string): Snapshot['clusters'][string] {
  return {
    key: `outbound|80|${subset}|myapp.default.svc.cluster.local`,
    host: 'myapp.default.svc.cluster.local',
    port: 80,
    subset,
    namespace: 'default',
    serviceName: 'myapp',
    resolution: 'STATIC',
    balancer: 'LEAST_REQUEST',
    connectTimeoutMs: 10_000,
    endpoints: [
      { address: '10.0.0.1', port: 8080, weight: 1 },
      { address: 'fd00::1', port: 8080, weight: 1 },
    ],
  };
}

/** Answers as control would; keeps what it was asked. */
export class FakeBackend implements AdminBackend {
  readonly shifts: ShiftRequest[] = [];
  served: Snapshot | undefined = snapshot;
  weights: Record<string, number> = { v1: 50, v2: 50 };
  /** What the next shift is refused with. */
  refusal: ShiftRefusal | undefined;
  failure: Error | undefined;
  warnings: string[] = [];
  collection: Collection = { processes: [] };
  pids = [101, 102];
  source: NodeStatus['source'] = {
    kind: 'folder',
    location: '/etc/mesh-gateway/routes.d',
    synced: true,
    objects: 3,
  };

  status(): ReturnType<AdminBackend['status']> {
    return {
      node: 'node-1',
      leader: 'node-1',
      statusWriting: { waiting: 7, answered: 40, failed: 2 },
      ready: true,
      reasons: [],
      startedAt: Date.UTC(2026, 0, 1),
      version: { served: 7, published: 7, publishedAt: Date.UTC(2026, 0, 2) },
      source: this.source,
    };
  }

  snapshot(): Snapshot | undefined {
    return this.served;
  }

  problems(): ReturnType<AdminBackend['problems']> {
    return [
      { severity: 'info', code: 'MG0101', message: 'Deployment is not needed at an edge.' },
      {
        severity: 'error',
        code: 'IST0101',
        message: 'There is no subset v3.',
        object: { kind: 'VirtualService', namespace: 'default', name: 'myapp' },
        field: 'spec.http[0].route[1]',
        position: { file: 'app.yaml', line: 12, column: 3 },
      },
    ];
  }

  nodes(): ReturnType<AdminBackend['nodes']> {
    const common = { programVersion: '0.1.0', servedVersion: 7, objects: 3, startedAt: '2026-01-01T00:00:00.000Z' };
    return [
      {
        ...common,
        node: 'node-1',
        state: 'here',
        leader: true,
        snapshotHash: 'ab'.repeat(32),
        lastSeenAt: 1_767_225_600_000,
      },
      {
        ...common,
        node: 'node-2',
        state: 'drifted',
        leader: false,
        snapshotHash: 'cd'.repeat(32),
        resourceVersion: '4711',
        lastSeenAt: 1_767_225_600_000,
      },
    ];
  }

  workers(): ReturnType<AdminBackend['workers']> {
    return this.pids.map((pid, index) => ({
      index,
      pid,
      state: 'serving' as const,
      version: 7,
      connections: 3,
      startedAt: Date.UTC(2026, 0, 1),
      restarts: index,
    }));
  }

  get etag(): string {
    return `"${Object.values(this.weights).join('-')}"`;
  }

  object({ kind, namespace, name }: ObjectRef): ObjectView | undefined {
    if (kind !== 'VirtualService' || namespace !== 'default' || name !== 'myapp') return undefined;
    const position = { file: 'app.yaml', line: 1, column: 1 };
    const clusters = Object.keys(snapshot.clusters);
    return {
      object: { kind, namespace, name },
      apiVersion: 'networking.istio.io/v1',
      position,
      generation: 3,
      fate: { state: 'quarantined', since: Date.UTC(2026, 0, 3), acceptedAt: Date.UTC(2026, 0, 2), lastGood: position },
      served: {
        listeners: ['http.31380'],
        virtualHosts: ['http.31380|*'],
        clusters,
        certificates: ['default/app-tls'],
      },
      notReady: [{ address: '10.0.0.9', why: 'not ready (pod myapp-v1)' }],
      refersTo: [{ kind: 'Service', namespace, name: 'myapp', isThere: true }],
      referredBy: [],
    };
  }

  nearObject({ kind }: ObjectRef): ObjectRef | undefined {
    return kind === 'VirtualService' ? { kind, namespace: 'default', name: 'myapp' } : undefined;
  }

  traffic(namespace: string, virtualService: string): TrafficView | undefined {
    if (namespace !== 'default' || virtualService !== 'myapp') return undefined;
    const destinations = Object.entries(this.weights).map(([key, weight]) => ({
      key,
      host: 'myapp',
      subset: key,
      weight,
    }));
    return {
      namespace,
      virtualService,
      source: 'app.yaml',
      etag: this.etag,
      version: 7,
      routes: [{ route: '0', index: 0, destinations }],
      warnings: this.warnings,
    };
  }

  async shift(request: ShiftRequest): Promise<ShiftResult | ShiftRefusal> {
    this.shifts.push(request);
    if (this.failure !== undefined) throw this.failure;
    if (this.refusal !== undefined) return this.refusal;
    if (this.traffic(request.namespace, request.virtualService) === undefined) {
      return { ok: false, kind: 'not-found', message: 'there is no such VirtualService' };
    }
    if (request.ifMatch !== undefined && !request.ifMatch.includes('*') && !request.ifMatch.includes(this.etag)) {
      return { ok: false, kind: 'precondition-failed', message: 'it changed meanwhile', etag: this.etag };
    }
    const before = this.weights;
    this.weights = { ...request.weights };
    return {
      ok: true,
      namespace: request.namespace,
      virtualService: request.virtualService,
      route: request.route ?? '0',
      before,
      weights: this.weights,
      changed: true,
      etag: this.etag,
      version: 8,
      node: 'node-1',
      workers: [0, 1],
      source: 'app.yaml',
      warnings: this.warnings,
    };
  }

  async collect(): Promise<Collection> {
    return this.collection;
  }
}

/** A cluster that answers no more for some kinds. */
export function clusterSource(): NodeStatus['source'] {
  const common = { group: '', objects: 2, lists: 1, watches: 3 };
  const at = Date.now() - 61_000;
  return {
    kind: 'kubernetes',
    location: 'https://10.0.0.1:6443',
    synced: true,
    objects: 6,
    trouble: 'The cluster cannot be asked.',
    held: 'Nothing is taken back.',
    server: 'https://10.0.0.1:6443',
    lastAnswerAt: Date.UTC(2026, 0, 4),
    kinds: [
      { ...common, kind: 'Service', state: 'failing', lastSyncAt: at, failures: 4 },
      { ...common, kind: 'Pod', state: 'failing', lastSyncAt: at, failures: 4 },
      { ...common, kind: 'Secret', state: 'refused', failures: 1 },
      { ...common, kind: 'Gateway', group: 'networking.istio.io', state: 'watching', lastSyncAt: at, failures: 0 },
    ],
  };
}
