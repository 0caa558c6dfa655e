import type { GatewayIdentity } from '#gateway/control/build/builder.ts';
import { Evaluator } from '#gateway/control/evaluator.ts';
import { readObject } from '#gateway/control/resource/read-object.ts';
import { type Resource, type ResourceKey, resourceKey } from '#gateway/control/resource/resource.ts';
import { plainDocument } from '#gateway/control/resource/yaml-documents.ts';
import type { AcceptedRecord } from '#gateway/control/source/accepted-journal.ts';
import { isUsable, ObjectStore, type UsableVersion } from '#gateway/control/source/object-store.ts';
import { Quarantine } from '#gateway/control/source/quarantine.ts';
import { fingerprintOf, type ObjectVersion } from '#gateway/control/source/source.ts';
import type { Problem } from '#gateway/snapshot/problem.ts';
import type { SnapshotUnits } from '#gateway/snapshot/snapshot.ts';
import { atOnce } from '#gateway/support/slices.ts';
import type { AnyObject } from './objects.ts';

/** What a world is at one moment. */
export type Versions = ReadonlyMap<ResourceKey, UsableVersion>;

/** A store with the rounds of the controller; whatever is chosen is served by all workers. */
export class World {
  readonly accepted = new Map<ResourceKey, AcceptedRecord>();
  readonly newest = new Map<ResourceKey, ObjectVersion>();
  /** When each version was told first, by key and fingerprint. */
  readonly toldAt = new Map<string, number>();
  /** Since the last round. */
  readonly removed = new Set<ResourceKey>();
  now: number;
  readonly quarantine: Quarantine;
  readonly #store: ObjectStore;
  readonly #evaluator: Evaluator;
  readonly #identity: GatewayIdentity;

  constructor(identity: GatewayIdentity, now = 0, accepted: Iterable<AcceptedRecord> = []) {
    this.#identity = identity;
    this.now = now;
    const keeper = {
      set: (record: AcceptedRecord) => void this.accepted.set(record.key, record),
      remove: (key: ResourceKey) => void this.accepted.delete(key),
    };
    for (const record of accepted) keeper.set(record);
    this.#store = new ObjectStore({ accepted: this.accepted.values(), keeper });
    this.#evaluator = new Evaluator(identity, () => 0);
    this.quarantine = new Quarantine({
      store: this.#store,
      workbench: this.#evaluator,
      rejected: new Map(),
      now: () => this.now,
    });
  }

  put(object: AnyObject): void {
    this.tell(versionOf(object));
  }

  tell(version: ObjectVersion): void {
    this.newest.set(version.key, version);
    const id = `${version.key} ${version.fingerprint}`;
    if (!this.toldAt.has(id)) this.toldAt.set(id, this.now);
    this.#store.apply({ type: 'upsert', object: version });
  }

  remove(key: ResourceKey): void {
    this.newest.delete(key);
    this.removed.add(key);
    this.#store.apply({ type: 'remove', key });
  }

  round(): void {
    atOnce(this.quarantine.choose());
    this.quarantine.accept(this.now);
  }

  /** As control starts again: what was accepted is known, and the source tells everything, in another order. */
  restarted(): World {
    const world = new World(this.#identity, this.now, [...this.accepted.values()]);
    for (const version of [...this.newest.values()].reverse()) world.tell(version);
    for (const [id, at] of this.toldAt) world.toldAt.set(id, at);
    for (const key of world.accepted.keys()) if (!world.newest.has(key)) world.remove(key);
    return world;
  }

  good(): Versions {
    return new Map(
      [...this.accepted.keys()].flatMap((key) => {
        const version = this.#store.get(key)?.good?.version;
        return version === undefined ? [] : [[key, version] as const];
      }),
    );
  }

  chosen(): Versions {
    const keys = new Set([...this.newest.keys(), ...this.accepted.keys()]);
    return new Map(
      [...keys].flatMap((key) => {
        const version = this.quarantine.chosen(key);
        return version === undefined ? [] : [[key, version] as const];
      }),
    );
  }

  get units(): SnapshotUnits {
    return this.#evaluator.units;
  }

  found(): Problem[] {
    return [...this.#evaluator.found.problems()];
  }
}

/** A world of exactly these versions, made at once. */
export function evaluated(identity: GatewayIdentity, versions: Versions): { units: SnapshotUnits; found: Problem[] } {
  const evaluator = new Evaluator(identity, () => 0);
  const resources = [...versions].map(([key, version]): [ResourceKey, Resource] => [key, version.resource]);
  evaluator.apply(resources.sort(([a], [b]) => (a < b ? 1 : -1)));
  return { units: evaluator.units, found: [...evaluator.found.problems()] };
}

/** As a source reads an object of a cluster. */
export function versionOf(object: AnyObject): ObjectVersion {
  const file = `cluster:${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
  const document = plainDocument(object, file);
  const { key, resource, problems } = readObject(document, { defaultNamespace: 'default', strictness: 'cluster' });
  const own = { kind: object.kind, namespace: object.metadata.namespace ?? '', name: object.metadata.name };
  return {
    key: key ?? resourceKey(own),
    raw: object,
    fingerprint: fingerprintOf(object),
    position: document.position,
    problems,
    ...(resource && { resource }),
  };
}

/** Versions with some of them replaced, or removed where there is none. */
export function withVersions(
  versions: Versions,
  changes: Iterable<readonly [ResourceKey, ObjectVersion | undefined]>,
): Versions {
  const next = new Map(versions);
  for (const [key, version] of changes) {
    if (isUsable(version)) next.set(key, version);
    else next.delete(key);
  }
  return next;
}
