/**
 * A watcher of a cluster beside the cluster itself: random changes, and everything that can happen to connections,
 * history and the watcher. Afterwards both must hold the same, and so must what @kubernetes/client-node lists.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import { AccessFile } from '#gateway/control/kubernetes/access-file.ts';
import { ApiClient } from '#gateway/control/kubernetes/api-client.ts';
import { ApiServer } from '#test/kit/api-server/api-server.ts';
import type { KubeObject } from '#test/kit/api-server/kube-object.ts';
import { eventually } from '#test/kit/eventually.ts';
import { fastTimers } from '#test/kit/fast-timers.ts';
import { Watcher } from '#test/unit/source/kubernetes/watched-cluster.ts';
import { Random } from '../random.ts';
import { disturbances } from './disturbances.ts';
import { anchors, anObject, anyRef, KINDS } from './objects.ts';

export type CampaignOptions = { readonly seed: number; readonly operations: number };

export type CampaignReport = Record<string, number>;

/** Time goes so much faster for the watcher; what the API client waits for is in real milliseconds. */
const HASTE = 20;

const timers = fastTimers(HASTE);

const TIMINGS = {
  pageSize: 7,
  listTimeoutMs: 500,
  silenceMs: 1_000,
  healthyMs: 1_000,
  backoff: { firstMs: 100, longestMs: 1_000 },
};

/** Runs one campaign; throws with the first difference. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const server = await ApiServer.start({ bookmarkIntervalMs: 100, history: 2_000, doors: 2 });
  const other = await ApiServer.start();
  const folder = mkdtempSync(path.join(tmpdir(), 'mesh-gateway-campaign-'));
  const campaign = new Campaign(server, other, path.join(folder, 'kubeconfig'), options);
  try {
    return await campaign.run();
  } finally {
    await campaign.close();
    await Promise.all([server.stop(), other.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

class Campaign {
  readonly #server: ApiServer;
  readonly #other: ApiServer;
  readonly #kubeconfig: string;
  readonly #options: CampaignOptions;
  readonly #random: Random;
  readonly #report: CampaignReport = {};
  #client: ApiClient;
  #watcher: Watcher;
  /** The last disturbances, for who looks for the reason of a difference. */
  #recent: readonly string[] = [];

  constructor(server: ApiServer, other: ApiServer, kubeconfig: string, options: CampaignOptions) {
    this.#server = server;
    this.#other = other;
    other.apply(...anchors(99));
    this.#kubeconfig = kubeconfig;
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#lead();
    server.apply(...anchors());
    [this.#client, this.#watcher] = this.#open([]);
  }

  async run(): Promise<CampaignReport> {
    await this.#watcher.source.start();
    // A node that never saw its cluster takes the first that answers for it.
    await this.#compare();
    for (let done = 0; done < this.#options.operations; done += 1) {
      await this.#operation();
      if (done % 1_000 === 999) await this.#compare();
    }
    await this.#compare();
    await this.#compareWithOracle();
    assert.deepEqual(this.#watcher.defects, []);
    return this.#report;
  }

  async close(): Promise<void> {
    this.#watcher.source.close();
    await this.#client.close();
  }

  #open(known: ReturnType<Watcher['known']>): [ApiClient, Watcher] {
    const { urls } = this.#server;
    const access = new AccessFile({ kubeconfig: this.#kubeconfig, servers: urls.slice(1) }, () => timers.now());
    const client = new ApiClient(access);
    const watcher = new Watcher(client, { known, timings: TIMINGS, timers, discoveryMs: 2_000, syncPatienceMs: 4_000 });
    // What was accepted before a restart is served until the source says otherwise.
    for (const { key, version } of known) if (version !== undefined) watcher.objects.set(key, version);
    return [client, watcher];
  }

  async #operation(): Promise<void> {
    if (this.#random.oneIn(15)) return this.#disturb();
    const ref = anyRef(this.#random);
    const object = { apiVersion: ref.kind.apiVersion, kind: ref.kind.kind, metadata: ref };
    const exists = this.#server.object(object) !== undefined;
    if (exists && this.#random.oneIn(3)) {
      this.#count('deletes');
      this.#server.delete(object);
    } else if (exists && this.#random.oneIn(8)) {
      this.#count('replacements');
      this.#server.delete(object);
      this.#server.apply(anObject(ref, this.#random.below(1_000)));
    } else if (exists && this.#random.oneIn(4)) {
      this.#count('status only');
      this.#server.patch(object, {
        metadata: { annotations: { 'example/heartbeat': String(this.#random.below(1e6)) } },
      });
    } else {
      this.#count(exists ? 'updates' : 'creates');
      this.#server.apply(anObject(ref, this.#random.below(1_000)));
    }
    if (this.#random.oneIn(15)) await pause(this.#random.below(8));
  }

  async #disturb(): Promise<void> {
    const scene = {
      server: this.#server,
      random: this.#random,
      lead: (to?: 'another cluster') => this.#lead(to),
      restart: () => this.#restart(),
      caughtUp: () => this.#compare(),
    };
    const [name, act] = this.#random.pick(Object.entries(disturbances(scene)));
    this.#count(name);
    this.#recent = [...this.#recent.slice(-9), name];
    await act();
  }

  #lead(to?: 'another cluster'): void {
    const { urls } = this.#server;
    const url = this.#random.pick(urls);
    writeFileSync(this.#kubeconfig, to === undefined ? this.#server.kubeconfig({ url }) : this.#other.kubeconfig());
  }

  async #restart(): Promise<void> {
    await this.close();
    [this.#client, this.#watcher] = this.#open(this.#watcher.known());
    await this.#watcher.source.start();
  }

  /** Both hold the same as soon as nothing disturbs any more. */
  async #compare(): Promise<void> {
    await this.#server.faults.clear();
    this.#count('comparisons');
    await eventually(() => this.#watcher.synced && this.#difference() === undefined, { timeoutMs: 30_000 }).catch(
      () => {
        const kinds = JSON.stringify(this.#watcher.source.status().kinds?.filter(({ state }) => state !== 'absent'));
        assert.fail(
          `seed ${this.#options.seed}, after ${this.#recent.join(', ')}: ${this.#difference() ?? 'not synced'}; ` +
            `${this.#watcher.problems.join(' ')}; ${kinds}; the server is at ${this.#server.resourceVersion}`,
        );
      },
    );
  }

  #difference(): string | undefined {
    for (const { kind, resource } of KINDS) {
      const found = firstDifference(kind, this.#server.objects(resource), this.#watcher);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #compareWithOracle(): Promise<void> {
    const config = new KubeConfig();
    config.loadFromFile(this.#kubeconfig);
    const oracle = KubernetesObjectApi.makeApiClient(config);
    for (const { kind, apiVersion } of KINDS) {
      const { items } = await oracle.list(apiVersion, kind);
      const plain = JSON.parse(JSON.stringify(items)) as KubeObject[];
      assert.equal(firstDifference(kind, plain, this.#watcher), undefined);
      this.#count('objects as client-node lists them', plain.length);
    }
  }

  #count(what: string, by = 1): void {
    this.#report[what] = (this.#report[what] ?? 0) + by;
  }
}

function firstDifference(kind: string, objects: readonly KubeObject[], watcher: Watcher): string | undefined {
  const expected = new Map<string, KubeObject>(
    objects
      .filter((object) => kind !== 'Secret' || isNamed(object, watcher))
      .map((object) => [`${kind}/${object.metadata.namespace}/${object.metadata.name}`, object] as const),
  );
  for (const key of watcher.keys(`${kind}/`)) if (!expected.has(key)) return `${key} is known and does not exist`;
  for (const [key, object] of expected) {
    const known = watcher.objects.get(key)?.raw as KubeObject | undefined;
    if (known === undefined) return `${key} exists and is not known`;
    if (!isSame(kind, known, object))
      return `${key} is ${JSON.stringify(known)}, and should be ${JSON.stringify(object)}`;
  }
  return undefined;
}

/** Worked out anew from the Gateways, as people would. */
function isNamed({ metadata }: KubeObject, watcher: Watcher): boolean {
  const gateways = [...watcher.objects].filter(([key]) => key.startsWith('Gateway/'));
  return gateways.some(([, { raw }]) => {
    const { spec, metadata: own } = raw as KubeObject & { spec: GatewaySpec };
    const isOurs = spec.selector['istio'] === 'ingressgateway';
    const isPlace = metadata.namespace === 'istio-system' || metadata.namespace === own.namespace;
    return isOurs && isPlace && spec.servers.some(({ tls }) => tls.credentialName === metadata.name);
  });
}

type GatewaySpec = {
  readonly selector: Readonly<Record<string, string>>;
  readonly servers: readonly { readonly tls: { readonly credentialName: string } }[];
};

/** What matters of each kind. */
function isSame(kind: string, known: KubeObject, object: KubeObject): boolean {
  const fields = (one: KubeObject): unknown => {
    switch (kind) {
      case 'Pod': {
        const status = one['status'] as Record<string, unknown>;
        return [one.metadata.labels, status['podIP'], status['phase']];
      }
      case 'EndpointSlice': {
        const endpoints = one['endpoints'] as { addresses: unknown; conditions?: { ready?: boolean } }[];
        return endpoints.map(({ addresses, conditions }) => [addresses, conditions?.ready ?? true]);
      }
      case 'Secret':
        return one['data'];
      case 'Service':
        return [one.metadata['uid'], (one['spec'] as { ports: { port: number }[] }).ports.map(({ port }) => port)];
      default:
        return [one.metadata['uid'], one['spec'], one.metadata.labels];
    }
  };
  return isDeepStrictEqual(fields(known), fields(object));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
