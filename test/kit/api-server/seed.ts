import type { ClusterState, Target } from './cluster-state.ts';
import { copyOf, isSameJson, type KubeObject } from './kube-object.ts';
import { applyMergePatch } from './patch/merge-patch.ts';
import { prepareCreate } from './strategy.ts';
import { keyOf } from './table.ts';
import type { Writes } from './writes.ts';

/** Names one object; an object itself does as well. */
export type ObjectRef = {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
};

/** The tests' own hand in the cluster: past HTTP, users and most rules, but with the same revisions and events. */
export class Seed {
  readonly #state: ClusterState;
  readonly #writes: Writes;

  constructor(state: ClusterState, writes: Writes) {
    this.#state = state;
    this.#writes = writes;
  }

  /** Creates or replaces an object that the caller gives away. */
  apply(object: KubeObject): void {
    const target = this.#targetOf(object);
    const { type, version, namespace } = target;
    if (namespace !== undefined) this.#ensureNamespace(namespace);
    const old = this.#state.store
      .table(type)
      .get(keyOf({ ...object.metadata, ...(namespace === undefined ? {} : { namespace }) }));
    delete object.metadata.resourceVersion;
    const status = object['status'];
    const prepared = prepareCreate(type, version, namespace, object);
    if (status !== undefined) prepared['status'] = status;
    if (old !== undefined) inherit(prepared, old.object, type.countsGenerations);
    this.#writes.store(target, prepared);
  }

  patch(ref: ObjectRef, patch: unknown): KubeObject {
    const target = this.#targetOf(ref);
    const old = this.#writes.existing(target).object;
    const object = copyOf(applyMergePatch(old, patch)) as KubeObject;
    inherit(object, old, target.type.countsGenerations);
    return this.#writes.store(target, object).object;
  }

  delete(ref: ObjectRef): void {
    this.#writes.remove(this.#targetOf(ref), undefined, { dryRun: false });
  }

  object(ref: ObjectRef): KubeObject | undefined {
    const { type, namespace, name = '' } = this.#targetOf(ref);
    const entry = this.#state.store.table(type).get(namespace === undefined ? name : `${namespace}/${name}`);
    return entry && this.#whole(type, entry.object);
  }

  objects(resource: string): KubeObject[] {
    const dot = resource.indexOf('.');
    const [plural, group] = dot === -1 ? [resource, ''] : [resource.slice(0, dot), resource.slice(dot + 1)];
    const type = this.#state.catalogue.named(group, plural);
    if (type === undefined) throw new Error(`the test cluster does not serve ${resource}`);
    return this.#state.store
      .table(type)
      .list()
      .map((entry) => this.#whole(type, entry.object));
  }

  #targetOf(ref: ObjectRef): Target {
    const { apiVersion = '', kind = '', metadata } = ref;
    const found = this.#state.catalogue.ofKind(apiVersion, kind);
    if (found === undefined) throw new Error(`the test cluster does not serve ${apiVersion} ${kind}`);
    const namespace = found.type.namespaced ? (metadata.namespace ?? 'default') : undefined;
    return { ...found, namespace, name: metadata.name, subresource: undefined };
  }

  /** A copy in the preferred version. */
  #whole(type: Target['type'], object: KubeObject): KubeObject {
    const apiVersion = type.group === '' ? (type.versions[0] ?? '') : `${type.group}/${type.versions[0]}`;
    return { ...copyOf(object), apiVersion, kind: type.kind };
  }

  #ensureNamespace(name: string): void {
    const type = this.#state.catalogue.find('', 'v1', 'namespaces');
    if (this.#state.store.table(type).get(name) === undefined)
      this.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
}

function inherit(object: KubeObject, old: KubeObject, countsGenerations: boolean): void {
  object.metadata.uid = old.metadata.uid ?? '';
  object.metadata.creationTimestamp = old.metadata.creationTimestamp ?? '';
  if (!countsGenerations) return;
  const changed = !isSameJson(object['spec'] ?? null, old['spec'] ?? null);
  object.metadata.generation = (old.metadata.generation ?? 1) + (changed ? 1 : 0);
}
