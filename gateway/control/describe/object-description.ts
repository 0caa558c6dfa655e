// Promises: of one object where it comes from, what became of it, what of it is served, and who has to do with it.
// Never: holds what a Secret holds, beyond the public part of its certificate; changes anything.
// Called by: the admin API, when somebody asks: it looks through all objects, which takes some milliseconds of many.
import type { ObjectRef, SourcePosition } from '../../snapshot/problem.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { generationOf } from '../kubernetes/generation.ts';
import { type Resource, type ResourceKey, resourceKey } from '../resource/resource.ts';
import { type Fate, fateOf } from './fate.ts';
import { ObjectGraph, type Objects, type Reference } from './object-graph.ts';
import { type ServedUnits, unitsOf } from './served-units.ts';

export type ObjectDescription = {
  readonly object: ObjectRef;
  readonly apiVersion?: string;
  /** Of the newest version that is known. */
  readonly position: SourcePosition;
  /** RFC 3339, by the API server. */
  readonly createdAt?: string;
  readonly generation?: number;
  readonly fate: Fate;
  readonly served: ServedUnits;
  /** Addresses behind a Service that get no traffic, and why. */
  readonly notReady: readonly NotReady[];
  /** The certificate of a Secret. */
  readonly certificate?: PublicCertificate;
  readonly refersTo: readonly Reference[];
  readonly referredBy: readonly Reference[];
};

type NotReady = { readonly address: string; readonly why: string };

/** What everybody may know of a certificate. Times are milliseconds since the epoch. */
type PublicCertificate = {
  readonly names: readonly string[];
  readonly fingerprint: string;
  readonly notBefore: number;
  readonly notAfter: number;
};

export type DescribeParts = {
  readonly objects: Objects;
  readonly quarantinedSince: (key: ResourceKey) => number | undefined;
  readonly snapshot: Snapshot | undefined;
};

/** Undefined when there is no such object. */
export function describeObject(object: ObjectRef, parts: DescribeParts): ObjectDescription | undefined {
  const key = resourceKey(object);
  const stored = parts.objects.get(key);
  const version = stored?.newest ?? stored?.good?.version;
  if (stored === undefined || version === undefined) return undefined;
  const { apiVersion, metadata } = version.raw as RawObject;
  const generation = generationOf(version.raw);
  // What is served was made of the good version.
  const resource = stored.good?.version.resource ?? stored.newest?.resource;
  const graph = new ObjectGraph(parts.objects);
  const certificate = resource && certificateOf(resource);
  return {
    object,
    ...(typeof apiVersion === 'string' && { apiVersion }),
    position: version.position,
    ...(typeof metadata?.creationTimestamp === 'string' && { createdAt: metadata.creationTimestamp }),
    ...(generation !== undefined && { generation }),
    fate: fateOf(stored, parts.quarantinedSince(key)),
    served: unitsOf(object, resource, parts.snapshot),
    notReady: resource === undefined ? [] : graph.notReady(resource),
    ...(certificate && { certificate }),
    refersTo: resource === undefined ? [] : graph.refersTo(resource),
    referredBy: graph.referredBy(object),
  };
}

type RawObject = { readonly apiVersion?: unknown; readonly metadata?: { readonly creationTimestamp?: unknown } };

function certificateOf(resource: Resource): PublicCertificate | undefined {
  if (resource.kind !== 'Secret' || resource.spec.tls === undefined) return undefined;
  const { names, fingerprint, notBefore, notAfter } = resource.spec.tls;
  return { names, fingerprint, notBefore, notAfter };
}
