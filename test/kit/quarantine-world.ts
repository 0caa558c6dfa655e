import assert from 'node:assert/strict';
import type { GatewayIdentity } from '#gateway/control/build/builder.ts';
import { Evaluator } from '#gateway/control/evaluator.ts';
import { resourceKey } from '#gateway/control/resource/resource.ts';
import type { AcceptedRecord } from '#gateway/control/source/accepted-journal.ts';
import { interpretFile } from '#gateway/control/source/object-file.ts';
import { ObjectStore } from '#gateway/control/source/object-store.ts';
import { Quarantine } from '#gateway/control/source/quarantine.ts';
import type { Problem } from '#gateway/snapshot/problem.ts';
import type { VirtualHost } from '#gateway/snapshot/route.ts';
import type { SnapshotUnits } from '#gateway/snapshot/snapshot.ts';
import { atOnce } from '#gateway/support/slices.ts';
import { destinationRuleYaml, gatewayYaml, serviceAndPodYaml, virtualServiceYaml } from './yaml-objects.ts';

/** What was chosen, as the tests look at it. */
export type Choice = { readonly problems: readonly Problem[]; readonly quarantined: Pick<Set<string>, 'has'> };

/** A store with the rounds of the controller, but without workers: whatever is chosen is served. */
export class World {
  readonly accepted = new Map<string, AcceptedRecord>();
  now = 86_400_000;
  /** Objects that were set on the workbench, again and again. */
  readonly tried: string[] = [];
  readonly store: ObjectStore;
  readonly #evaluator: Evaluator;
  readonly #quarantine: Quarantine;

  constructor(accepted: Iterable<AcceptedRecord> = [], identity = identityIn('istio-system')) {
    this.#evaluator = new Evaluator(identity, () => 0);
    const apply = this.#evaluator.apply.bind(this.#evaluator);
    this.#evaluator.apply = (changes) => {
      const list = [...changes];
      this.tried.push(...list.map(([key]) => key));
      apply(list);
    };
    const keeper = {
      set: (record: AcceptedRecord) => void this.accepted.set(record.key, record),
      remove: (key: string) => void this.accepted.delete(key),
    };
    for (const record of accepted) keeper.set(record);
    this.store = new ObjectStore({ accepted: this.accepted.values(), keeper });
    this.#quarantine = new Quarantine({
      store: this.store,
      workbench: this.#evaluator,
      rejected: new Map(),
      now: () => this.now,
    });
  }

  write(...texts: string[]): this {
    for (const object of interpretFile('f.yaml', texts.join('---\n'), undefined).objects)
      this.store.apply({ type: 'upsert', object });
    return this;
  }

  remove(key: string): this {
    this.store.apply({ type: 'remove', key });
    return this;
  }

  round(): Choice {
    atOnce(this.#quarantine.choose());
    this.#quarantine.accept(86_400_000);
    return { problems: this.problems(), quarantined: { has: (key) => this.#quarantine.isQuarantined(key) } };
  }

  /** What is told: of the quarantine, and of what is served as it is written. */
  problems(): Problem[] {
    const found = Iterator.from(this.#evaluator.found.problems());
    const ofInterest = found.filter(
      ({ object }) => object === undefined || !this.#quarantine.isQuarantined(resourceKey(object)),
    );
    return [...this.#quarantine.problems(), ...ofInterest];
  }

  /** What the requests of `shop.example` meet: endpoints of every destination that is served. */
  endpointsServed(): Record<string, number> {
    const { clusters } = this.units;
    const action = this.hosts.find(({ domain }) => domain === 'shop.example')?.routes[0]?.action;
    if (action?.kind !== 'forward') return {};
    return Object.fromEntries(
      action.destinations.map(({ cluster }) => [cluster, clusters[cluster]?.endpoints.length ?? 0]),
    );
  }

  /** When it has to choose again by itself. */
  get waitsUntil(): number | undefined {
    return this.#quarantine.waitsUntil;
  }

  get units(): SnapshotUnits {
    return this.#evaluator.units;
  }

  get hosts(): readonly VirtualHost[] {
    return Object.values(this.units.virtualHosts);
  }

  /** The weights of the subsets that `shop.example` is split over. */
  served(): Record<string, number> {
    const host = this.hosts.find(({ domain }) => domain === 'shop.example');
    const action = host?.routes[0]?.action;
    if (action?.kind !== 'forward') return {};
    return Object.fromEntries(action.destinations.map(({ cluster, weight }) => [cluster.split('|')[2], weight]));
  }

  errors(): string[] {
    const errors = this.problems().filter((problem) => problem.severity === 'error');
    return [...new Set(errors.map(({ code, object }) => `${object?.kind} ${code}`))].sort();
  }
}

/** A ready Pod of an app in a version. */
export function podYaml(app: string, version: string): string {
  const address = `192.0.2.${(app + version).length + version.charCodeAt(version.length - 1)}`;
  return `apiVersion: v1
kind: Pod
metadata: { name: ${app}-${version}, labels: { app: ${app}, version: ${version} } }
status: { podIP: ${address}, conditions: [{ type: Ready, status: "True" }] }
`;
}

/** A Service of an app. */
export function serviceYaml(name: string): string {
  return `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { selector: { app: ${name} }, ports: [{ port: 80 }] }\n`;
}

/** A gateway whose own namespace is this. */
export function identityIn(namespace: string): GatewayIdentity {
  return {
    namespace,
    labels: { istio: 'ingressgateway' },
    ports: [{ gatewayPort: 80, nodePorts: [31_380] }],
    folder: '/routes',
    connectTimeoutMs: 1_000,
  };
}

/** A world that serves a shop, half of it in each of two versions. */
export function shop(identity?: GatewayIdentity): World {
  const world = new World([], identity).write(
    gatewayYaml(),
    serviceAndPodYaml(),
    destinationRuleYaml(),
    virtualServiceYaml(),
  );
  world.round();
  assert.deepEqual(world.served(), { v1: 50, v2: 50 });
  assert.deepEqual(world.errors(), []);
  return world;
}
