// Promises: of every object the newest version its source has, and the last version that was accepted (its last good one).
// Never: judges objects against each other (quarantine.ts does), forgets a good version because a newer one is bad.
// Called by: the controller: apply events, choose with quarantine.ts, accept what all workers serve.
import { readObject } from '../resource/read-object.ts';
import type { Resource, ResourceKey } from '../resource/resource.ts';
import { plainDocument } from '../resource/yaml-documents.ts';
import type { AcceptedRecord } from './accepted-journal.ts';
import {
  CLUSTER_FILE,
  fingerprintOf,
  type KnownObject,
  type ObjectVersion,
  type SourceEvent,
  type SourceProblem,
  type UnreadPolicies,
} from './source.ts';

/** A version that can be served. */
export type UsableVersion = ObjectVersion & { readonly resource: Resource };

/** A version that was served by all workers. */
export type AcceptedVersion = {
  readonly version: UsableVersion;
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number;
};

/** Both faces of one object; at least one is there. */
export type StoredObject = {
  readonly key: ResourceKey;
  /** As its source has it; absent while the source cannot tell (a broken file, or not read yet after a start). */
  readonly newest?: ObjectVersion;
  readonly good?: AcceptedVersion;
};

/** Where accepted versions are kept over restarts. */
export type AcceptedKeeper = {
  set(record: AcceptedRecord): void;
  remove(key: ResourceKey): void;
};

export class ObjectStore {
  readonly #objects = new Map<ResourceKey, StoredObject>();
  readonly #keeper: AcceptedKeeper;
  /** Objects to decide about, since the last `takeTouched`. */
  #touched = new Set<ResourceKey>();
  #size = 0;
  #sourceProblems: readonly SourceProblem[] = [];
  #policies: UnreadPolicies = { unread: [] };

  constructor(options: { readonly accepted: Iterable<AcceptedRecord>; readonly keeper: AcceptedKeeper }) {
    this.#keeper = options.keeper;
    for (const record of options.accepted) this.#restore(record);
  }

  /** What was accepted before a restart, for the source to begin with. */
  known(): KnownObject[] {
    return [...this.#objects.values()].flatMap(({ key, good }) =>
      good === undefined ? [] : [{ key, file: good.version.position.file, version: good.version }],
    );
  }

  apply(event: SourceEvent): void {
    switch (event.type) {
      case 'upsert':
        this.#upsert(event.object);
        break;
      case 'remove':
        this.#remove(event.key);
        break;
      case 'problems':
        this.#sourceProblems = event.problems;
        break;
      case 'unread':
        this.#policies = event;
        break;
      case 'synced':
        break;
    }
  }

  /** Objects that came, went or were asked to be decided about again since the last call; all of them at first. */
  takeTouched(): ReadonlySet<ResourceKey> {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched;
  }

  /** The object is to be decided about again, though its source has nothing new to say. */
  touch(key: ResourceKey): void {
    this.#touched.add(key);
  }

  get(key: ResourceKey): StoredObject | undefined {
    return this.#objects.get(key);
  }

  /** Every object, in any order. */
  all(): Iterable<StoredObject> {
    return this.#objects.values();
  }

  /** These versions are served by all workers: from now on they are the good ones. */
  accept(versions: Iterable<UsableVersion>, now: number): void {
    for (const version of versions) {
      const { key } = version;
      const stored = this.#objects.get(key);
      if (stored === undefined || stored.good?.version === version) continue;
      const same = stored.good?.version.fingerprint === version.fingerprint;
      const moved = stored.good?.version.position.file !== version.position.file;
      const acceptedAt = same && stored.good !== undefined ? stored.good.acceptedAt : now;
      if (stored.good === undefined) this.#size += 1;
      const { newest } = stored;
      this.#objects.set(key, { key, ...(newest && { newest }), good: { version, acceptedAt } });
      if (!same || moved) this.#keeper.set({ key, raw: version.raw, position: version.position, acceptedAt });
    }
  }

  /** Faults of files and of the folder, with what they hold. */
  get sourceProblems(): readonly SourceProblem[] {
    return this.#sourceProblems;
  }

  /** What may guard hosts and cannot be read. */
  get policies(): UnreadPolicies {
    return this.#policies;
  }

  /** Number of objects with a good version. */
  get size(): number {
    return this.#size;
  }

  #remove(key: ResourceKey): void {
    if (this.#objects.get(key)?.good !== undefined) this.#size -= 1;
    this.#objects.delete(key);
    this.#touched.add(key);
    this.#keeper.remove(key);
  }

  #upsert(object: ObjectVersion): void {
    const stored = this.#objects.get(object.key);
    const good = stored?.good;
    this.#objects.set(object.key, { key: object.key, newest: object, ...(good && { good }) });
    this.#touched.add(object.key);
  }

  /** The object is read again from its raw form: this program may be newer than the one that accepted it. */
  #restore(record: AcceptedRecord): void {
    const { file } = record.position;
    const document = plainDocument(record.raw, file, record.position);
    const strictness = file.startsWith(CLUSTER_FILE) ? 'cluster' : 'folder';
    const { key, resource } = readObject(document, { defaultNamespace: 'default', strictness });
    if (key !== record.key || resource === undefined) return;
    const version = {
      key,
      raw: record.raw,
      fingerprint: fingerprintOf(record.raw),
      position: record.position,
      resource,
      problems: [],
    };
    if (!this.#objects.has(key)) this.#size += 1;
    this.#objects.set(key, { key, good: { version, acceptedAt: record.acceptedAt } });
    this.#touched.add(key);
  }
}

export function isUsable(version: ObjectVersion | undefined): version is UsableVersion {
  return version?.resource !== undefined;
}
