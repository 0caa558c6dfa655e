// Promises: what every source of objects (a folder, a cluster) tells the controller, in the same words.
// Never: judges objects against each other, keeps last good versions, or knows what is served.
// Called by: the controller, which hands the events to the object store.
import { hash } from 'node:crypto';
import type { Problem, SourcePosition } from '../../snapshot/problem.ts';
import type { UnreadPolicy } from '../resource/policies/unread.ts';
import type { Resource, ResourceKey } from '../resource/resource.ts';

/** An object as its source has it now. */
export type ObjectVersion = {
  readonly key: ResourceKey;
  /** Plain data, as written. */
  readonly raw: unknown;
  /** Of `raw`: equal content, equal fingerprint. */
  readonly fingerprint: string;
  readonly position: SourcePosition;
  /** Absent when it cannot be used (an error is among `problems`), or when its kind is not needed here. */
  readonly resource?: Resource;
  readonly problems: readonly Problem[];
};

/** A fault that is not one readable object's own: of a file, or of the whole folder. */
export type SourceProblem = {
  readonly problem: Problem;
  /** Objects that the source cannot read because of it; their last good versions stay. */
  readonly holds: readonly ResourceKey[];
};

/** What may guard hosts and cannot be read. */
export type UnreadPolicies = {
  readonly unread: readonly UnreadPolicy[];
  /** Of a cluster: what has been read, to be kept over restarts once everything that was told is served. */
  readonly read?: PolicyReads;
};

/** Kinds that may guard hosts: namespaces in which they were read once ('' for all), or that the cluster has no such kind. */
export type PolicyReads = Readonly<Record<string, readonly string[] | 'absent'>>;

export type SourceEvent =
  | { readonly type: 'upsert'; readonly object: ObjectVersion }
  /** The object is gone from its source, on purpose as far as can be told. */
  | { readonly type: 'remove'; readonly key: ResourceKey }
  /** Replaces the source's previous list. */
  | { readonly type: 'problems'; readonly problems: readonly SourceProblem[] }
  /** Replaces the source's previous list of what may guard hosts and cannot be read. */
  | ({ readonly type: 'unread' } & UnreadPolicies)
  /** Everything that the source holds was told. Sent once; events go on afterwards. */
  | { readonly type: 'synced' };

/** An object that is known from before a restart: the file it was in, and its last good version. */
export type KnownObject = { readonly key: ResourceKey; readonly file: string; readonly version?: ObjectVersion };

/** Where objects come from. Its events go to whoever made it. */
export interface ObjectSource {
  /** Begins to tell; resolves when it has looked for the first time, whatever it found. */
  start(): Promise<void>;
  close(): void;
  /** Everything was told once. */
  readonly synced: boolean;
  status(): SourceStatus;
}

/** State of a source, for people and metrics. Times are milliseconds since the epoch. */
export type SourceStatus = {
  readonly kind: 'folder' | 'kubernetes';
  /** The folder, or the API servers. */
  readonly location: string;
  readonly synced: boolean;
  /** What keeps the source from being known as it is now, in sentences. */
  readonly trouble?: string;
  /** A sentence while something sudden is held and not obeyed. */
  readonly held?: string;
  /** The API server that answered last, and when. */
  readonly server?: string;
  readonly lastAnswerAt?: number;
  /** Of a cluster: how each kind fares. */
  readonly kinds?: readonly KindStatus[];
};

/** How one kind of a cluster fares. */
export type KindStatus = {
  readonly kind: string;
  readonly group: string;
  readonly state: 'unknown' | 'absent' | 'listing' | 'watching' | 'failing' | 'refused' | 'held';
  readonly objects: number;
  /** When what is known was last known to be the truth; absent before the first list. */
  readonly lastSyncAt?: number;
  readonly lists: number;
  readonly watches: number;
  readonly failures: number;
};

/** Positions of objects that come from a cluster begin so; the path of its API follows. */
export const CLUSTER_FILE = 'cluster:';

/** Of plain data: equal content in equal order, equal fingerprint. The server's counters of an object are no content. */
export function fingerprintOf(raw: unknown): string {
  return hash('sha1', JSON.stringify(withoutCounters(raw)) ?? 'undefined');
}

function withoutCounters(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null || !('metadata' in raw)) return raw;
  const { metadata } = raw;
  if (typeof metadata !== 'object' || metadata === null) return raw;
  if (!('resourceVersion' in metadata) && !('generation' in metadata)) return raw;
  const { resourceVersion: _version, generation: _generation, ...rest } = metadata as Readonly<Record<string, unknown>>;
  return { ...raw, metadata: rest };
}
