import type { Labels } from '../resource.ts';

/** Where something runs, from wide to narrow; an empty part is not known, and is like another empty one (as in Istio). */
export type Locality = { readonly region: string; readonly zone: string; readonly subzone: string };

/** Labels of Nodes that tell where they are: the newer ones win over those from before Kubernetes 1.17. */
export const REGION_LABELS = ['topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/region'] as const;
export const ZONE_LABELS = ['topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'] as const;
export const SUBZONE_LABEL = 'topology.istio.io/subzone';
export const LOCALITY_LABELS = [...REGION_LABELS, ...ZONE_LABELS, SUBZONE_LABEL];

/** Of a Node's labels; undefined when they say nothing of it. */
export function localityOfLabels(labels: Labels): Locality | undefined {
  const first = (names: readonly string[]): string => names.map((name) => labels[name]).find(Boolean) ?? '';
  return known({ region: first(REGION_LABELS), zone: first(ZONE_LABELS), subzone: labels[SUBZONE_LABEL] ?? '' });
}

/** `region/zone/subzone`, of which the end may be left out; undefined for an empty text. */
export function parseLocality(text: string): Locality | undefined {
  const [region = '', zone = '', subzone = ''] = text.split('/');
  return known({ region, zone, subzone });
}

/** A Pod's own word, under the label of today or the older one: labels hold no slashes, so Istio lets dots stand for them. */
export function localityOfPod(labels: Labels): Locality | undefined {
  const written = labels['topology.istio.io/locality'] ?? labels['istio-locality'];
  if (written === undefined) return undefined;
  return parseLocality(written.includes('/') ? written : written.replaceAll('.', '/'));
}

/** As people read it: without the empty end. */
export function formatLocality({ region, zone, subzone }: Locality): string {
  return [region, zone, subzone].join('/').replace(/\/+$/, '');
}

function known(locality: Locality): Locality | undefined {
  return locality.region === '' && locality.zone === '' && locality.subzone === '' ? undefined : locality;
}
