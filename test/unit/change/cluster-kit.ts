import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { ClusterWeights } from '#gateway/control/change/cluster-weights.ts';
import { Shifter, type ShiftOrder, type ShiftRecord } from '#gateway/control/change/shift.ts';
import { Controller } from '#gateway/control/controller.ts';
import { Evaluator } from '#gateway/control/evaluator.ts';
import { AccessFile } from '#gateway/control/kubernetes/access-file.ts';
import { ApiClient } from '#gateway/control/kubernetes/api-client.ts';
import { type FleetAnswer, Publisher } from '#gateway/control/publish/publisher.ts';
import { readObject } from '#gateway/control/resource/read-object.ts';
import { plainDocument } from '#gateway/control/resource/yaml-documents.ts';
import { ObjectStore } from '#gateway/control/source/object-store.ts';
import type { ObjectVersion } from '#gateway/control/source/source.ts';
import { fingerprintOf } from '#gateway/control/source/source.ts';
import { ApiServer, type ApiServerOptions } from '../../kit/api-server/api-server.ts';
import type { KubeObject } from '../../kit/api-server/kube-object.ts';
import { temporaryFolder } from '../../kit/temporary-folder.ts';
import { destinationRuleYaml, gatewayYaml, serviceAndPodYaml, virtualServiceYaml } from '../../kit/yaml-objects.ts';

const PATHS: Readonly<Record<string, string>> = {
  VirtualService: '/apis/networking.istio.io/v1/namespaces/default/virtualservices',
  DestinationRule: '/apis/networking.istio.io/v1/namespaces/default/destinationrules',
  Gateway: '/apis/networking.istio.io/v1/namespaces/default/gateways',
  WorkloadEntry: '/apis/networking.istio.io/v1/namespaces/default/workloadentries',
  AuthorizationPolicy: '/apis/security.istio.io/v1/namespaces/default/authorizationpolicies',
};
const RESOURCES = [
  'virtualservices.networking.istio.io',
  'destinationrules.networking.istio.io',
  'gateways.networking.istio.io',
  'workloadentries.networking.istio.io',
  'authorizationpolicies.security.istio.io',
  'services',
  'pods',
];

/** The name under which every test knows its VirtualService. */
export const SHOP = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { namespace: 'default', name: 'shop' },
} as const;

/** An API server with the shop's objects. */
export async function shopServer(context: TestContext, options: ApiServerOptions = {}): Promise<ApiServer> {
  const server = await ApiServer.start(options);
  context.after(() => server.stop());
  const yaml = [gatewayYaml(), serviceAndPodYaml(), destinationRuleYaml(), virtualServiceYaml()].join('---\n');
  server.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } }, ...objectsOf(yaml));
  return server;
}

export function objectsOf(yaml: string): KubeObject[] {
  return parseAllDocuments(yaml).map((document) => {
    const object = document.toJS() as KubeObject;
    return { ...object, metadata: { namespace: 'default', ...object.metadata } };
  });
}

/** An API client of its own connection, as one node has it. */
export function clientOf(
  context: TestContext,
  server: ApiServer,
  options: { readonly user?: string; readonly url?: string } = {},
): ApiClient {
  const kubeconfig = path.join(temporaryFolder(context), 'kubeconfig');
  writeFileSync(kubeconfig, server.kubeconfig(options));
  const client = new ApiClient(new AccessFile({ kubeconfig }));
  context.after(() => client.close());
  return client;
}

/** One node's config road, which sees the cluster when it is told to look. */
export class ClusterRoad {
  readonly controller: Controller;
  readonly publisher: Publisher;
  readonly weights: ClusterWeights;
  readonly shifter: Shifter;
  readonly records: ShiftRecord[] = [];
  /** Whether the watch brings what this node has written. */
  watches = true;
  /** Called with the key of each object that it has looked at. */
  onObject: (key: string) => void = () => undefined;
  readonly store: ObjectStore;
  answer: () => Promise<FleetAnswer> = () => Promise.resolve({ kind: 'applied', workers: [1] });
  readonly #server: ApiServer;

  constructor(context: TestContext, server: ApiServer, api: Pick<ApiClient, 'request'>, node = 'edge-1') {
    this.#server = server;
    const root = temporaryFolder(context);
    const store = (this.store = new ObjectStore({
      accepted: [],
      keeper: { set: () => undefined, remove: () => undefined },
    }));
    this.publisher = new Publisher({
      runtimeDir: path.join(root, 'run'),
      stateDir: path.join(root, 'state'),
      manifest: null,
      fleet: { publish: () => this.answer() },
      onProblems: () => undefined,
    });
    context.after(() => this.publisher.close());
    const identity = {
      namespace: 'istio-system',
      labels: { istio: 'ingressgateway' },
      ports: [{ gatewayPort: 80, nodePorts: [31_380] }],
      folder: root,
      connectTimeoutMs: 1_000,
    };
    this.controller = new Controller({
      store,
      evaluator: new Evaluator(identity, Date.now),
      publisher: this.publisher,
      onRound: () => undefined,
      onProblems: () => undefined,
      onDefect: (error) => {
        throw error;
      },
    });
    this.weights = new ClusterWeights({
      api,
      objects: store,
      read: (object) => versionOf(object as KubeObject),
      onWritten: () => void setTimeout(() => this.watches && this.look(), 20),
    });
    this.shifter = new Shifter({
      objects: store,
      isQuarantined: (key) => this.controller.isQuarantined(key),
      problems: () => this.controller.problems,
      objections: (resource) => this.controller.objections(resource),
      writer: this.weights,
      settled: () => this.controller.settled(),
      fleet: () => {
        const served = this.publisher.served?.version ?? 0;
        return { served, newest: this.publisher.newest.version, oldest: served, workers: [0] };
      },
      node,
      onShift: (record) => void this.records.push(record),
    });
  }

  /** Takes in all that the API server has now; `part`: and more is to come before anything is judged. */
  look(extent: 'all' | 'part' = 'all'): void {
    for (const object of RESOURCES.flatMap((resource) => this.#server.objects(resource))) {
      const version = versionOf(object);
      this.controller.handle({ type: 'upsert', object: version });
      this.weights.noted(version.key);
      this.onObject(version.key);
    }
    if (extent === 'all') this.controller.handle({ type: 'synced' });
  }

  async ready(): Promise<this> {
    this.look();
    await this.controller.settled();
    return this;
  }
}

/** An object as a source makes a version of it. */
export function versionOf(object: KubeObject): ObjectVersion {
  const {
    managedFields: _managed,
    resourceVersion,
    generation,
    ...metadata
  } = object.metadata as Record<string, unknown>;
  const { metadata: _metadata, status, ...written } = object;
  // As the source has it: what is said of an object that people write is not kept.
  const isWritten = /^\w+\.istio\.io\//.test(object.apiVersion ?? '');
  const rest = { ...written, ...(!isWritten && status !== undefined && { status }) };
  const raw = { ...rest, metadata: { ...metadata, resourceVersion, generation } };
  const file = `cluster:${PATHS[object.kind ?? ''] ?? '/api/v1/other'}/${object.metadata.name}`;
  const document = plainDocument(raw, file);
  const { key = '', resource, problems } = readObject(document, { defaultNamespace: 'default', strictness: 'folder' });
  const fingerprint = fingerprintOf({ ...rest, metadata });
  return { key, raw, fingerprint, position: document.position, problems, ...(resource && { resource }) };
}

export function order(weights: Record<string, number>, rest: Partial<ShiftOrder> = {}): ShiftOrder {
  return { namespace: 'default', virtualService: 'shop', weights, actor: { via: 'token' }, ...rest };
}

/** The weights in the API server, by subset. */
export function weightsIn(server: ApiServer): Record<string, number | undefined> {
  const { spec } = server.object(SHOP) as unknown as {
    spec: { http: { route: { destination: { subset: string }; weight?: number }[] }[] };
  };
  return Object.fromEntries((spec.http[0]?.route ?? []).map(({ destination, weight }) => [destination.subset, weight]));
}
