import type { Problem } from '../../../snapshot/problem.ts';
import { resourcePath, type ServedResource } from '../../kubernetes/resource-path.ts';
import { readObject } from '../../resource/read-object.ts';
import { type ResourceKey, resourceKey } from '../../resource/resource.ts';
import { plainDocument } from '../../resource/yaml-documents.ts';
import { CLUSTER_FILE, fingerprintOf, type ObjectVersion } from '../source.ts';
import type { Fields, Slim } from './slim.ts';
import type { WatchedKind } from './watched-kinds.ts';

/** The key of an object of the API; undefined when it has no name (no API server says that). */
export function keyOfObject(
  object: unknown,
  { kind }: { readonly kind: string },
  { namespaced }: ServedResource,
): ResourceKey | undefined {
  const { name, namespace } = metadataOf(object);
  if (typeof name !== 'string') return undefined;
  return resourceKey({ kind, namespace: namespaced && typeof namespace === 'string' ? namespace : '', name });
}

/** Whether an object says that it is of this kind, in whatever version. */
export function isOfKind(object: unknown, kind: WatchedKind): boolean {
  const { apiVersion, kind: written } = (object ?? {}) as Fields;
  const { group } = kind;
  const isInGroup =
    typeof apiVersion === 'string' && apiVersion.slice(0, Math.max(0, apiVersion.indexOf('/'))) === group;
  return isInGroup && written === (kind.written ?? kind.kind);
}

/** Whether two objects of one name are two lives of it; of kinds whose uid is not kept, they are one. */
export function isAnother(before: unknown, after: unknown): boolean {
  const [old, young] = [metadataOf(before)['uid'], metadataOf(after)['uid']];
  return old !== undefined && young !== undefined && old !== young;
}

/** What is kept of an object, and its fingerprint. */
export function slimmed(object: unknown, { group, version, kind }: ServedResource, slim: Slim): Slimmed {
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const raw = { apiVersion, kind, ...slim(object as Fields) };
  return { raw, fingerprint: fingerprintOf(raw) };
}

export type Slimmed = { readonly raw: Fields; readonly fingerprint: string };

/** Reads a slimmed object as the sources' common form. */
export function toVersion(key: ResourceKey, { raw, fingerprint }: Slimmed, resource: ServedResource): ObjectVersion {
  const { name, namespace } = metadataOf(raw);
  const path = resourcePath(resource, { name: String(name), ...(typeof namespace === 'string' && { namespace }) });
  const document = plainDocument(raw, flat(`${CLUSTER_FILE}${path}`));
  const read = readObject(document, { defaultNamespace: 'default', strictness: 'cluster' });
  const { position } = document;
  return {
    key,
    raw,
    fingerprint,
    position,
    problems: read.problems.length === 0 ? NO_PROBLEMS : read.problems,
    ...(read.resource && { resource: read.resource }),
  };
}

const NO_PROBLEMS: readonly Problem[] = Object.freeze([]);

/** Joined strings keep all their parts until somebody looks into them: there is one for each of tens of thousands of objects. */
function flat(text: string): string {
  text.charCodeAt(0);
  return text;
}

function metadataOf(object: unknown): Fields {
  const metadata = typeof object === 'object' && object !== null && 'metadata' in object ? object.metadata : undefined;
  return typeof metadata === 'object' && metadata !== null ? (metadata as Fields) : {};
}
