import type { Labels, PodResource, WorkloadEntryResource } from '../resource/resource.ts';
import { type CatalogReader, workloadLabels } from './catalog.ts';

/** The Pods of a namespace that carry all labels of `selector`; none when there is no selector. */
export function selectPods(namespace: string, selector: Labels | undefined, catalog: CatalogReader): PodResource[] {
  const fewest = fewestOf(selector, (label, value) => catalog.podsLabelled(namespace, label, value));
  return fewest.filter((pod) => carries(pod.labels, selector ?? {}));
}

/** The WorkloadEntries of a namespace that carry all labels of `selector`; none when there is no selector. */
export function selectWorkloadEntries(
  namespace: string,
  selector: Labels | undefined,
  catalog: CatalogReader,
): WorkloadEntryResource[] {
  const fewest = fewestOf(selector, (label, value) => catalog.workloadEntriesLabelled(namespace, label, value));
  return fewest.filter((entry) => carries(workloadLabels(entry), selector ?? {}));
}

/** True when `labels` has every label of `wanted`. */
export function carries(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([label, value]) => labels[label] === value);
}

/** The shortest of the lists that each label alone selects: a service then costs its own Pods, not the namespace's. */
function fewestOf<T>(selector: Labels | undefined, list: (label: string, value: string) => readonly T[]): readonly T[] {
  const lists = Object.entries(selector ?? {}).map(([label, value]) => list(label, value));
  return lists.reduce<readonly T[]>((fewest, one) => (one.length < fewest.length ? one : fewest), lists[0] ?? []);
}
