import { didYouMean } from '../../support/did-you-mean.ts';

/** Longer words are no typos, and comparing them costs. */
const MAX_LENGTH = 128;

/** ` Did you mean "weight"?`, to end a message with; nothing when no candidate is near. */
export function suggestion(written: string, candidates: Iterable<string>): string {
  const candidate = written.length > MAX_LENGTH ? undefined : didYouMean(written, candidates);
  return candidate === undefined ? '' : ` Did you mean "${candidate}"?`;
}
