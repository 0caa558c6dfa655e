// Promises: what every source of objects (a folder, later a cluster) tells the controller, in the same words.
// Never: judges objects against each other, keeps last good versions, or knows what is served.
// Called by: the controller, which hands the events to the object store.
import type { Problem, SourcePosition } from '../../snapshot/problem.ts';
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

export type SourceEvent =
  | { readonly type: 'upsert'; readonly object: ObjectVersion }
  /** The object is gone from its source, on purpose as far as can be told. */
  | { readonly type: 'remove'; readonly key: ResourceKey }
  /** Replaces the source's previous list. */
  | { readonly type: 'problems'; readonly problems: readonly SourceProblem[] }
  /** Everything that the source holds was told. Sent once; events go on afterwards. */
  | { readonly type: 'synced' };

/** An object that is known from before a restart, and the file it was in. */
export type KnownObject = { readonly key: ResourceKey; readonly file: string };
