import type { ResourceKey, VirtualServiceResource } from '../resource/resource.ts';
import type { AcceptedVersion } from '../source/object-store.ts';
import type { ShiftPlan, Weights } from './traffic.ts';

/** The VirtualService of a shift, as it is served. */
export type ShiftTarget = {
  readonly key: ResourceKey;
  readonly good: AcceptedVersion;
  readonly service: VirtualServiceResource;
};

/** A checked change, and on whose word. */
export type WeightChange = {
  readonly plan: ShiftPlan;
  readonly reason?: string;
  /** Who asked. */
  readonly actor: Readonly<Record<string, string>>;
  /** True when it is only wanted on top of exactly the content that is served. */
  readonly onlyAsSeen: boolean;
};

/** Weights that are where the object is kept, and are yet to be served. */
export type WrittenWeights = {
  /** Of the object with the new weights: all workers serve them once the last good version has it. */
  readonly fingerprint: string;
  /** Resolves when the source has told of what was written; not to be waited for without a deadline, which aborts `signal`. */
  seen(signal: AbortSignal): Promise<void>;
  /** Puts the old weights back, unless somebody else has written since. Resolves with a sentence that says which. */
  takeBack(): Promise<string>;
};

/** Writes weights to where an object is kept: its file, or its cluster. */
export interface WeightWriter {
  /** What people should know before they change this object, in sentences. */
  warnings(target: ShiftTarget): readonly string[];
  /** Writes the plan's edits and nothing else. Rejects with {@link CannotWrite} when nothing was written. */
  write(target: ShiftTarget, change: WeightChange): Promise<WrittenWeights>;
}

/**
 * Why nothing was written. `not-writable`: it cannot be from here; `conflict`: the object is not the one that was
 * decided on; `changed`: nor the one that was asked for by `If-Match`; `unavailable`: whoever keeps it does not answer.
 */
export class CannotWrite extends Error {
  override readonly name = 'CannotWrite';
  readonly kind: 'not-writable' | 'conflict' | 'changed' | 'unavailable';
  /** The weights that are there now, where they are not the ones that were decided on. */
  readonly current?: Weights;

  constructor(kind: CannotWrite['kind'], message: string, current?: Weights) {
    super(message);
    this.kind = kind;
    if (current !== undefined) this.current = current;
  }
}
