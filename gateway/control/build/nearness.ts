// Promises: for each workload how near it is to this gateway, as Istio and kube-proxy would tell it; readiness decided before.
// Never: looks at a Node unless something asks for nearness: a change of one then costs the clusters that do.
// Called by: clusters.ts.
import type { CatalogReader } from '../resource/catalog/catalog.ts';
import { formatLocality, type Locality, REGION_LABELS, SUBZONE_LABEL, ZONE_LABELS } from '../resource/core/locality.ts';
import { coversLocality } from '../resource/istio/locality-pattern.ts';
import type { LocalityPolicy } from '../resource/istio/locality-policy.ts';
import type { Labels } from '../resource/resource.ts';
import type { GatewayIdentity } from './build-input.ts';
import type { Preference } from './preference.ts';
import type { Workload } from './workloads.ts';

/** What a cluster says of nearness: a priority for each workload, or localities with their shares. */
export type Nearness = {
  /** Of each workload, 0 the nearest, without gaps; absent: all are alike. */
  readonly priorities?: readonly number[];
  /** Of each workload. */
  readonly localities?: readonly string[];
  /** By locality; those that are not named get nothing. Absent: this gateway's own locality has no shares. */
  readonly shares?: Readonly<Record<string, number>>;
};

/** Where this gateway is: what the settings say, else what its Node's labels say. */
export function ownLocality({ locality, node }: GatewayIdentity, catalog: CatalogReader): Locality | undefined {
  return locality ?? (node === undefined ? undefined : catalog.node(node)?.spec.locality);
}

export function nearnessOf(
  workloads: readonly Workload[],
  preference: Preference | undefined,
  gateway: GatewayIdentity,
  catalog: CatalogReader,
): Nearness {
  if (preference === undefined || workloads.length === 0) return {};
  const own = ownLocality(gateway, catalog);
  const places = workloads.map((workload) => placeOf(workload, catalog));
  switch (preference.kind) {
    case 'shares':
      return shared(places, workloads, own, preference.distribute);
    case 'region':
      return own === undefined ? {} : ranked(places.map((place) => distance(place, own, preference.failover)));
    case 'labels':
      return byLabels(workloads, places, gateway, own, preference);
    case 'hints':
      return byHints(workloads, places, gateway, own, preference.otherwise);
    default:
      return preference satisfies never;
  }
}

const NOWHERE: Locality = { region: '', zone: '', subzone: '' };

/** A workload's own word, then its Node's labels; a slice tells the zone even of a Node that may not be read. */
function placeOf({ locality, node, zone = '' }: Workload, catalog: CatalogReader): Locality {
  if (locality !== undefined) return locality;
  const found = (node === undefined ? undefined : catalog.node(node)?.spec.locality) ?? NOWHERE;
  return found.zone === '' && zone !== '' ? { ...found, zone } : found;
}

/** 0: the same subzone, 1: the same zone, 2: the same region, 3: elsewhere, 4: where the failover does not lead to. */
function distance(place: Locality, own: Locality, failover: LocalityPolicy['failover']): number {
  // A zone lies in one region: who tells only the zone is in ours.
  const isNamesake = place.region === '' && place.zone !== '' && place.zone === own.zone;
  if (!isNamesake && place.region !== own.region) {
    const rule = failover.find(({ from }) => from === own.region);
    return rule === undefined || rule.to === place.region ? 3 : 4;
  }
  if (place.zone !== own.zone) return 2;
  return place.subzone === own.subzone ? 0 : 1;
}

/** Ranks without gaps; one rank for all is none. */
function ranked(distances: readonly number[]): Nearness {
  const ranks = [...new Set(distances)].sort((a, b) => a - b);
  return ranks.length === 1 ? {} : { priorities: distances.map((one) => ranks.indexOf(one)) };
}

/** A label that differs counts the more the earlier it stands; two that lack a label are alike in it. */
function byLabels(
  workloads: readonly Workload[],
  places: readonly Locality[],
  gateway: GatewayIdentity,
  own: Locality | undefined,
  { labels, failover }: Pick<Extract<Preference, { kind: 'labels' }>, 'labels' | 'failover'>,
): Nearness {
  const ours = placed(gateway.labels, own ?? NOWHERE, gateway.node);
  const wanted = labels.map((entry): readonly [string, string] => {
    const at = entry.indexOf('=');
    return at === -1 ? [entry, ours[entry] ?? ''] : [entry.slice(0, at), entry.slice(at + 1)];
  });
  const distances = workloads.map(({ labels: carried, node }, index) => {
    const theirs = placed(carried, places[index] ?? NOWHERE, node);
    const differs = wanted.findIndex(([label, value]) => (theirs[label] ?? '') !== value);
    const rank = differs === -1 ? 0 : wanted.length - differs;
    if (failover.length === 0 || own === undefined) return rank;
    return rank * 5 + distance(places[index] ?? NOWHERE, own, failover);
  });
  return ranked(distances);
}

/** Labels together with those that Istio gives by place. */
function placed(labels: Labels, { region, zone, subzone }: Locality, node: string | undefined): Labels {
  return {
    ...labels,
    [REGION_LABELS[0]]: region,
    [ZONE_LABELS[0]]: zone,
    [SUBZONE_LABEL]: subzone,
    'kubernetes.io/hostname': node ?? '',
  };
}

/** Kube-proxy's rules: hints count if every endpoint has one and one is for us; else endpoints are all alike, or near by place. */
function byHints(
  workloads: readonly Workload[],
  places: readonly Locality[],
  gateway: GatewayIdentity,
  own: Locality | undefined,
  otherwise: Extract<Preference, { kind: 'hints' }>['otherwise'],
): Nearness {
  const hinted =
    forUs(
      workloads.map(({ hints }) => hints?.nodes),
      gateway.node,
    ) ??
    forUs(
      workloads.map(({ hints }) => hints?.zones),
      own?.zone,
    );
  if (hinted !== undefined) return ranked(hinted.map((isOurs) => (isOurs ? 0 : 1)));
  if (otherwise === undefined || own === undefined) return {};
  const distances = places.map((place) => distance(place, own, []));
  // Subzones are no matter of Kubernetes'.
  if (otherwise === 'same-zone') return ranked(distances.map((one) => Math.max(one, 1)));
  return ranked(distances.map((one, index) => (isHere(workloads[index], gateway) ? 0 : one + 1)));
}

/** Whether each is meant for `name`; undefined when that cannot be relied on. */
function forUs(hints: readonly (readonly string[] | undefined)[], name: string | undefined): boolean[] | undefined {
  if (name === undefined || name === '' || hints.some((names) => names === undefined)) return undefined;
  const ours = hints.map((names) => names?.includes(name) === true);
  return ours.includes(true) ? ours : undefined;
}

function isHere(workload: Workload | undefined, { node }: GatewayIdentity): boolean {
  return node !== undefined && workload?.node === node;
}

/** A share is divided among the localities that its pattern covers, by the weight that stands in each. */
function shared(
  places: readonly Locality[],
  workloads: readonly Workload[],
  own: Locality | undefined,
  distribute: LocalityPolicy['distribute'],
): Nearness {
  const localities = places.map(formatLocality);
  const rule = distribute.find(({ from }) => coversLocality(from, formatLocality(own ?? NOWHERE)));
  if (rule === undefined) return { localities };
  const weights = new Map<string, number>();
  for (const [index, locality] of localities.entries())
    weights.set(locality, (weights.get(locality) ?? 0) + (workloads[index]?.weight ?? 0));
  const shares = Object.entries(rule.to).flatMap(([pattern, share]) => {
    const covered = [...weights].filter(([locality]) => coversLocality(pattern, locality));
    const total = covered.reduce((sum, [, weight]) => sum + weight, 0);
    return covered.map(([locality, weight]): [string, number] => [locality, (share * weight) / total]);
  });
  return { localities, shares: Object.fromEntries(shares.sort(([a], [b]) => (a < b ? -1 : 1))) };
}
