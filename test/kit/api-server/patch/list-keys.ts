/**
 * How the lists of built-in kinds are merged, as Kubernetes' types declare it. Written by the end of a field's path
 * (without indices), the longest that fits: pod specs occur in Pods and in the templates of Deployments.
 */
type ListRule = { readonly keys: readonly string[]; readonly patchKey: string };

const MERGED: Readonly<Record<string, ListRule>> = {
  'spec.ports': { keys: ['port', 'protocol'], patchKey: 'port' },
  'status.conditions': { keys: ['type'], patchKey: 'type' },
  'status.addresses': { keys: ['type'], patchKey: 'type' },
  'status.podIPs': { keys: ['ip'], patchKey: 'ip' },
  'status.containerStatuses': { keys: [], patchKey: '' },
  'metadata.ownerReferences': { keys: ['uid'], patchKey: 'uid' },
  containers: { keys: ['name'], patchKey: 'name' },
  initContainers: { keys: ['name'], patchKey: 'name' },
  'containers.ports': { keys: ['containerPort', 'protocol'], patchKey: 'containerPort' },
  'initContainers.ports': { keys: ['containerPort', 'protocol'], patchKey: 'containerPort' },
  'containers.env': { keys: ['name'], patchKey: 'name' },
  'initContainers.env': { keys: ['name'], patchKey: 'name' },
  'containers.volumeMounts': { keys: ['mountPath'], patchKey: 'mountPath' },
  'spec.volumes': { keys: ['name'], patchKey: 'name' },
  imagePullSecrets: { keys: ['name'], patchKey: 'name' },
  secrets: { keys: ['name'], patchKey: 'name' },
};

const SETS: ReadonlySet<string> = new Set(['metadata.finalizers']);

/** The field by which a strategic merge patch finds list items, or undefined where it replaces the list. */
export function patchKeyOf(path: readonly string[]): string | undefined {
  return ruleOf(path)?.patchKey || undefined;
}

/** The fields that together name a list item for server-side apply, or undefined where the list is one value. */
export function itemKeysOf(path: readonly string[]): readonly string[] | undefined {
  const keys = ruleOf(path)?.keys ?? [];
  return keys.length > 0 ? keys : undefined;
}

/** Whether a list of scalars is a set, to which a patch adds. */
export function isSet(path: readonly string[]): boolean {
  return SETS.has(path.join('.'));
}

function ruleOf(path: readonly string[]): ListRule | undefined {
  for (const length of [2, 1]) {
    const rule = MERGED[path.slice(-length).join('.')];
    if (rule !== undefined) return rule;
  }
  return undefined;
}
