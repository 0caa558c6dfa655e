import type { Labels, PodResource, WorkloadEntryResource } from '../resource.ts';
import { type CatalogReader, workloadLabels } from './catalog.ts';

/** The Pods of a namespace that carry all labels of `selector`; none when there is no selector. */
export function selectPods(namespace: string, selector: Labels | undefined, catalog: CatalogReader): PodResource[] {
  const rarest = rarestOf(selector, (label, value) => catalog.countPodsLabelled(namespace, label, value));
  if (rarest === undefined) return [];
  return catalog.podsLabelled(namespace, ...rarest).filter((pod) => carries(pod.labels, selector ?? {}));
}

/** The WorkloadEntries of a namespace that carry all labels of `selector`; none when there is no selector. */
export function selectWorkloadEntries(
  namespace: string,
  selector: Labels | undefined,
  catalog: CatalogReader,
): WorkloadEntryResource[] {
  const rarest = rarestOf(selector, (label, value) => catalog.countWorkloadEntriesLabelled(namespace, label, value));
  if (rarest === undefined) return [];
  return catalog
    .workloadEntriesLabelled(namespace, ...rarest)
    .filter((entry) => carries(workloadLabels(entry), selector ?? {}));
}

/** True when `labels` has every label of `wanted`. */
export function carries(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([label, value]) => labels[label] === value);
}

/** The label that the fewest carry: a service then costs its own Pods, not the namespace's. */
function rarestOf(
  selector: Labels | undefined,
  count: (label: string, value: string) => number,
): [string, string] | undefined {
  let rarest: [string, string] | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const [label, value] of Object.entries(selector ?? {})) {
    const number = count(label, value);
    if (number >= fewest) continue;
    rarest = [label, value];
    fewest = number;
  }
  return rarest;
}
