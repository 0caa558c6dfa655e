import type { SourcePosition } from '../../snapshot/problem.ts';
import type { StoredObject } from '../source/object-store.ts';

/**
 * What became of an object. `accepted`: its newest version is what all workers have; `changing`: it is on its way to them;
 * `quarantined`: its last good version is served instead; `not-served`: there is no good version; `held`: its source
 * cannot tell what it is now, and what it last was goes on.
 */
export type Fate = {
  readonly state: 'accepted' | 'changing' | 'quarantined' | 'not-served' | 'held';
  /** Since when it is quarantined or not served, as far as this process knows; milliseconds since the epoch. */
  readonly since?: number;
  /** When the version that is served was accepted; milliseconds since the epoch. */
  readonly acceptedAt?: number;
  /** Where the version that is served was written, if it is not the newest. */
  readonly lastGood?: SourcePosition;
};

/** `since`: the object's newest version has not been taken since then. */
export function fateOf({ newest, good }: StoredObject, since: number | undefined): Fate {
  const accepted = good === undefined ? {} : { acceptedAt: good.acceptedAt };
  if (newest === undefined) return { state: 'held', ...accepted };
  if (since !== undefined || newest.resource === undefined) {
    const state = good === undefined ? 'not-served' : 'quarantined';
    const lastGood = good === undefined ? {} : { lastGood: good.version.position };
    return { state, ...(since !== undefined && { since }), ...accepted, ...lastGood };
  }
  const isServed = good?.version.fingerprint === newest.fingerprint;
  return { state: isServed ? 'accepted' : 'changing', ...accepted };
}
