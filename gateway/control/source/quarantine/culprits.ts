import type { Steps } from '../../../support/slices.ts';
import type { ResourceKey } from '../../resource/resource.ts';

/** So many trials find out who is to blame; those who are still suspected then go back together. */
const MAX_TRIALS = 200;

/** How suspects are tried: by taking their changes back and looking whether a complaint goes. */
export type Trial<C> = {
  /** What is wrong with the choice as it is. */
  complaints(): readonly C[];
  takeBack(suspects: readonly ResourceKey[]): Steps<void>;
  putForward(suspects: readonly ResourceKey[]): Steps<void>;
  /** One of the complaints that is not there while these changes are taken back. */
  settled(complaints: readonly C[]): C | undefined;
  /** Its change is taken back, and stays so because of this complaint. */
  convict(culprit: ResourceKey, complaint: C): void;
};

/**
 * Finds those among the suspects whose changes cause a complaint: halves them until few are left, so that one culprit
 * among thousands is found in some four evaluations of all. True when somebody was found.
 */
export function* findCulprits<C>(
  suspects: readonly ResourceKey[],
  trial: Trial<C>,
  budget: { trials: number } = { trials: MAX_TRIALS },
): Steps<boolean> {
  const complaints = suspects.length === 0 ? [] : trial.complaints();
  if (complaints.length === 0) return false;
  budget.trials -= 1;
  yield* trial.takeBack(suspects);
  const settled = trial.settled(complaints);
  if (settled === undefined) {
    yield* trial.putForward(suspects);
    return false;
  }
  if (suspects.length > 1 && budget.trials > 0) {
    yield* trial.putForward(suspects);
    const middle = suspects.length >> 1;
    const isInFirst = yield* findCulprits(suspects.slice(0, middle), trial, budget);
    const isInSecond = yield* findCulprits(suspects.slice(middle), trial, budget);
    if (isInFirst || isInSecond) return true;
    // Neither half does it without the other.
    yield* trial.takeBack(suspects);
  }
  for (const suspect of suspects) trial.convict(suspect, settled);
  return true;
}
