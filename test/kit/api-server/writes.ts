import { ApiStatus, alreadyExists, badRequest, conflictOfKind, notFound } from './api-status.ts';
import { checkRules } from './built-in-rules.ts';
import type { ClusterState, Target } from './cluster-state.ts';
import { copyOf, isJsonObject, type KubeObject } from './kube-object.ts';
import { afterUpdate, type Manager } from './patch/managed-fields.ts';
import { mergeRulesOf } from './patch/merge-rules.ts';
import { isUnchanged, prepareCreate, prepareUpdate, timestamp } from './strategy.ts';
import { type Entry, keyOf } from './table.ts';

/** How a write was asked for. */
export type WriteOptions = {
  readonly dryRun: boolean;
  /** Who writes; server-side apply has counted its fields itself. */
  readonly manager?: Manager;
};

/** Told of every write that was stored; definitions of custom resources come and go by it. */
export type AfterWrite = (target: Target, entry: Entry, removed: boolean) => void;

/** What an object becomes by a request: gets the stored one, gives the wanted one. */
export type Change = (old: KubeObject) => KubeObject;

/** All writes of the API go through here, so that their rules stand once. */
export class Writes {
  readonly #state: ClusterState;
  readonly #after: AfterWrite;

  constructor(state: ClusterState, after: AfterWrite) {
    this.#state = state;
    this.#after = after;
  }

  create(target: Target, object: KubeObject, { dryRun, manager }: WriteOptions): Entry {
    const { type, version, namespace } = target;
    const prepared = prepareCreate(type, version, namespace, object);
    checkRules(type, version, prepared);
    this.#checkNamespace(namespace, prepared.metadata.name);
    if (this.#table(target).get(keyOf(prepared.metadata))) throw alreadyExists(type, prepared.metadata.name);
    count(target, undefined, prepared, manager);
    return dryRun ? unstored(prepared) : this.store(target, prepared);
  }

  /** PUT: the whole object. */
  replace(target: Target, object: KubeObject, options: WriteOptions): Entry {
    return this.update(target, () => object, options);
  }

  /** Applies `change` to the stored object; equal content is no write at all. Some kinds must be told which version it replaces. */
  update(target: Target, change: Change, { dryRun, manager }: WriteOptions): Entry {
    const { type, version, subresource } = target;
    const old = this.existing(target);
    const object = prepareUpdate(type, version, old.object, change(copyOf(old.object)), subresource);
    checkRules(type, version, object);
    count(target, old.object, object, manager);
    if (isUnchanged(old.object, object)) return old;
    if (dryRun) return unstored(object);
    const entry = this.store(target, object);
    if (object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).length === 0)
      return this.#remove(target, entry);
    return entry;
  }

  /** Removes the object, or marks it where finalizers hold it. The answer says which. */
  remove(target: Target, options: unknown, { dryRun }: WriteOptions): { entry: Entry; gone: boolean } {
    const old = this.existing(target);
    checkPreconditions(target, old.object, options);
    if (dryRun) return { entry: old, gone: true };
    if (isNamespace(target.type)) return this.#terminate(target, old);
    if ((old.object.metadata.finalizers ?? []).length > 0) return { entry: this.#mark(target, old), gone: false };
    return { entry: this.#remove(target, old), gone: true };
  }

  /** The stored object of a target, or 404. */
  existing(target: Target): Entry {
    const name = target.name ?? '';
    const key = target.namespace === undefined ? name : `${target.namespace}/${name}`;
    const entry = this.#table(target).get(key);
    if (entry === undefined) throw notFound(target.type, name);
    return entry;
  }

  #table(target: Target): ReturnType<ClusterState['store']['table']> {
    return this.#state.store.table(target.type);
  }

  /** Stores an object past the rules of requests, with the same consequences. */
  store(target: Target, object: KubeObject): Entry {
    const entry = this.#table(target).put(object);
    this.#after(target, entry, false);
    return entry;
  }

  #remove(target: Target, entry: Entry): Entry {
    const removed = this.#table(target).remove(entry.key) ?? entry;
    this.#after(target, removed, true);
    return removed;
  }

  #mark(target: Target, old: Entry): Entry {
    if (old.object.metadata.deletionTimestamp !== undefined) return old;
    const object = copyOf(old.object);
    object.metadata.deletionTimestamp = timestamp();
    object.metadata.deletionGracePeriodSeconds = 0;
    if (object.metadata.generation !== undefined) object.metadata.generation += 1;
    return this.store(target, object);
  }

  /** What a cluster's controllers need seconds for is done at once, with the same events: marked, emptied, gone. */
  #terminate(target: Target, old: Entry): { entry: Entry; gone: boolean } {
    const object = copyOf(old.object);
    object.metadata.deletionTimestamp = timestamp();
    object['status'] = { phase: 'Terminating' };
    const entry = this.store(target, object);
    this.#empty(object.metadata.name);
    this.#remove(target, entry);
    return { entry, gone: false };
  }

  /** A namespace takes what is in it along. */
  #empty(namespace: string): void {
    for (const type of this.#state.catalogue.types()) {
      if (!type.namespaced) continue;
      const version = type.versions[0] ?? '';
      for (const entry of this.#state.store.table(type).list())
        if (entry.object.metadata.namespace === namespace)
          this.#remove({ type, version, namespace, name: entry.object.metadata.name, subresource: undefined }, entry);
    }
  }

  #checkNamespace(namespace: string | undefined, name: string): void {
    if (namespace === undefined) return;
    const type = this.#state.catalogue.find('', 'v1', 'namespaces');
    const found = this.#state.store.table(type).get(namespace);
    if (found === undefined) throw notFound(type, namespace);
    if (found.object.metadata.deletionTimestamp !== undefined)
      throw new ApiStatus(
        403,
        'Forbidden',
        `${name} is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
      );
  }
}

function isNamespace({ kind, group }: Target['type']): boolean {
  return kind === 'Namespace' && group === '';
}

/** Writes down whose the changed fields are now. */
function count({ type, version }: Target, old: KubeObject | undefined, object: KubeObject, manager?: Manager): void {
  if (manager?.operation !== 'Update') return;
  object.metadata.managedFields = afterUpdate(old, object, manager, mergeRulesOf(type, version));
}

/** An entry of a dry run: answered, but in no table. */
function unstored(object: KubeObject): Entry {
  const { apiVersion: _version, kind: _kind, ...rest } = object;
  return { key: keyOf(object.metadata), revision: 0, object, rest: Buffer.from(JSON.stringify(rest).slice(1)) };
}

function checkPreconditions(target: Target, object: KubeObject, options: unknown): void {
  if (options !== undefined && !isJsonObject(options)) throw badRequest('the options of a delete are an object');
  const preconditions = options?.['preconditions'];
  if (!isJsonObject(preconditions)) return;
  const { uid, resourceVersion } = preconditions;
  const { name, uid: actualUid, resourceVersion: actual } = object.metadata;
  if (uid !== undefined && uid !== actualUid)
    throw conflictOfKind(
      target.type,
      name,
      `the UID in the precondition (${textOf(uid)}) does not match the UID in record (${actualUid}). The object might have been deleted and then recreated`,
    );
  if (resourceVersion !== undefined && resourceVersion !== actual)
    throw conflictOfKind(
      target.type,
      name,
      `the ResourceVersion in the precondition (${textOf(resourceVersion)}) does not match the ResourceVersion in record (${actual}). The object might have been modified`,
    );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
